package bridgeconfig

import (
	"log/slog"
	"maps"
	"strings"

	"github.com/steg-kafka/steg/internal/logging"
)

// logSettings are the keys that begin with log.
func logSettings() []Setting {
	return []Setting{
		logLevel(),
		choice("log.format", []string{string(logging.Text), string(logging.JSON)}, "How a line is written: text or json.",
			func(c *Config) *string { return &c.Log.Format }),
		operationLevels(),
	}
}

// logLevel takes log4j's words too, and keeps ours.
func logLevel() Setting {
	s := ours(text("log.level", "info", "Least level that is logged: debug, info, warn or error. A request's line is of level info. "+
		"PUT /logging on the management listener changes it while the bridge runs.", func(c *Config) *string { return &c.Log.Level }))
	s.Range = "debug, info, warn, error"
	s.parse = func(c *Config, v string) (string, error) {
		level, err := logging.ParseLevel(v)
		c.Log.Level = logging.Word(level)
		return "", err
	}
	return s
}

// quiet are the operations that are asked for every few seconds: their lines are hidden unless they are named, as in the
// reference bridge.
func quiet() map[string]slog.Level {
	return map[string]slog.Level{"healthy": slog.LevelWarn, "ready": slog.LevelWarn, "started": slog.LevelWarn}
}

// operationLevels is what the reference bridge's loggers http.openapi.operation.<operationId> are for.
func operationLevels() Setting {
	return Setting{
		Key: "log.level.operations", Type: "list", Default: "healthy=warn,ready=warn,started=warn", Ours: true,
		Doc: "Levels of single operations, comma-separated, each as operationId=level; healthy, ready and started stay at warn unless they are named.",
		parse: func(c *Config, v string) (string, error) {
			var entries []string
			for entry := range strings.SplitSeq(v, ",") {
				if entry = strings.TrimSpace(entry); entry != "" {
					entries = append(entries, entry)
				}
			}
			named, err := logging.ParseOperations(entries)
			if err != nil {
				return "", err
			}
			c.Log.Operations = quiet()
			maps.Copy(c.Log.Operations, named)
			return "", nil
		},
		render: func(c Config) string { return strings.Join(logging.RenderOperations(c.Log.Operations), ",") },
	}
}
