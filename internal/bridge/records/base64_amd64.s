#include "textflag.h"

// Within a lane of sixteen bytes: the three bytes of each unit as b a c b, so
// that two multiplications can move the four groups of six bits apart.
DATA units<>+0(SB)/8, $0x0405030401020001
DATA units<>+8(SB)/8, $0x0a0b090a07080607
GLOBL units<>(SB), RODATA|NOPTR, $16

// What is added to a value: the ranges of the alphabet in the order a-z, each
// digit, plus, slash, A-Z.
DATA offsets<>+0(SB)/8, $0xfcfcfcfcfcfcfc47
DATA offsets<>+8(SB)/8, $0x000041f0edfcfcfc
GLOBL offsets<>(SB), RODATA|NOPTR, $16

DATA words<>+0(SB)/4, $0x0fc0fc00 // first and third group
DATA words<>+4(SB)/4, $0x04000040 // moved right by 10 and 6
DATA words<>+8(SB)/4, $0x003f03f0 // second and fourth group
DATA words<>+12(SB)/4, $0x01000010 // moved left by 4 and 8
DATA words<>+16(SB)/4, $0x33333333 // 51
DATA words<>+20(SB)/4, $0x1a1a1a1a // 26
DATA words<>+24(SB)/4, $0x0d0d0d0d // 13, where A-Z is in offsets
GLOBL words<>(SB), RODATA|NOPTR, $28

// func encodeAVX2(dst, src *byte, n int) int
//
// Each round reads 28 bytes and encodes the first 24.
TEXT ·encodeAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	SUBQ $28, CX
	XORQ AX, AX
	VBROADCASTI128 units<>(SB), Y8
	VBROADCASTI128 offsets<>(SB), Y9
	VPBROADCASTD words<>+0(SB), Y10
	VPBROADCASTD words<>+4(SB), Y11
	VPBROADCASTD words<>+8(SB), Y12
	VPBROADCASTD words<>+12(SB), Y13
	VPBROADCASTD words<>+16(SB), Y14
	VPBROADCASTD words<>+20(SB), Y7
	VPBROADCASTD words<>+24(SB), Y6

next:
	CMPQ AX, CX
	JGT  done
	VMOVDQU (SI)(AX*1), X0
	VINSERTI128 $1, 12(SI)(AX*1), Y0, Y0
	VPSHUFB Y8, Y0, Y0
	VPAND   Y10, Y0, Y1
	VPMULHUW Y11, Y1, Y1
	VPAND   Y12, Y0, Y0
	VPMULLW Y13, Y0, Y0
	VPOR    Y0, Y1, Y0
	VPSUBUSB Y14, Y0, Y1
	VPCMPGTB Y0, Y7, Y2
	VPAND   Y6, Y2, Y2
	VPOR    Y1, Y2, Y1
	VPSHUFB Y1, Y9, Y1
	VPADDB  Y0, Y1, Y0
	VMOVDQU Y0, (DI)
	ADDQ $24, AX
	ADDQ $32, DI
	JMP  next

done:
	VZEROUPPER
	MOVQ AX, ret+24(FP)
	RET
