#include "textflag.h"

// func plainAVX2(p *byte, n int) int
//
// A byte is special if it equals a quote or a backslash, or if, as a signed
// number, it is less than a blank: control characters are, and all that is not
// ASCII. SI is p, CX is n, AX the position.
TEXT ·plainAVX2(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	MOVL $0x22, AX
	VMOVQ AX, X1
	VPBROADCASTB X1, Y1
	MOVL $0x5c, AX
	VMOVQ AX, X2
	VPBROADCASTB X2, Y2
	MOVL $0x20, AX
	VMOVQ AX, X3
	VPBROADCASTB X3, Y3
	XORQ AX, AX
	LEAQ -64(CX), DX

next64:
	CMPQ AX, DX
	JGT  next32
	VMOVDQU (SI)(AX*1), Y4
	VMOVDQU 32(SI)(AX*1), Y5
	VPCMPEQB Y4, Y1, Y6
	VPCMPEQB Y4, Y2, Y7
	VPCMPGTB Y4, Y3, Y4
	VPCMPEQB Y5, Y1, Y8
	VPCMPEQB Y5, Y2, Y9
	VPCMPGTB Y5, Y3, Y5
	VPOR Y6, Y7, Y6
	VPOR Y8, Y9, Y8
	VPOR Y4, Y6, Y4
	VPOR Y5, Y8, Y5
	VPMOVMSKB Y4, R8
	VPMOVMSKB Y5, R9
	SHLQ $32, R9
	ORQ  R9, R8
	JNZ  found
	ADDQ $64, AX
	JMP  next64

	// The last block overlaps the one before, whose bytes are plain.
next32:
	CMPQ AX, CX
	JGE  none
	LEAQ -32(CX), DX
	CMPQ AX, DX
	CMOVQGT DX, AX
	VMOVDQU (SI)(AX*1), Y4
	VPCMPEQB Y4, Y1, Y6
	VPCMPEQB Y4, Y2, Y7
	VPCMPGTB Y4, Y3, Y4
	VPOR Y6, Y7, Y6
	VPOR Y4, Y6, Y4
	VPMOVMSKB Y4, R8
	TESTL R8, R8
	JNZ  found
	ADDQ $32, AX
	JMP  next32

found:
	BSFQ R8, R8
	ADDQ R8, AX
	VZEROUPPER
	MOVQ AX, ret+16(FP)
	RET

none:
	VZEROUPPER
	MOVQ CX, ret+16(FP)
	RET
