package wire

// CORSAllowHeaders is the access-control-allow-headers of a preflight's answer,
// in upstream's order. A preflight is 204 with it, and an origin that is not
// allowed 403 with the text CORSRejected (bridge contract 1.9).
const CORSAllowHeaders = "access-control-allow-origin,content-length,x-forwarded-proto,x-forwarded-host," +
	"origin,x-requested-with,content-type,access-control-allow-methods,accept"
