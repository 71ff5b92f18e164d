package org.adjoint.reference;

import static org.adjoint.reference.Cells.cell;
import static org.adjoint.reference.Cells.real;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.math.MathContext;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;
import org.junit.jupiter.api.Test;

/** The corners where languages and chips differ. */
class ScalarsTest {
    @Test
    void integersWrap() {
        assertEquals(Integer.MIN_VALUE, Scalars.unary(UnaryOp.NEG, DType.I32, Integer.MIN_VALUE));
        assertEquals(Integer.MIN_VALUE, Scalars.unary(UnaryOp.ABS, DType.I32, Integer.MIN_VALUE));
        assertEquals(255, Scalars.unary(UnaryOp.NEG, DType.U8, 1));
        assertEquals(0xf0, Scalars.unary(UnaryOp.NOT, DType.U8, 0x0f));
        assertEquals(0, Scalars.unary(UnaryOp.NOT, DType.BOOL, 1));
        assertEquals(4, Scalars.binary(BinaryOp.ADD, DType.U8, 250, 10));
        assertEquals(-2, Scalars.binary(BinaryOp.MUL, DType.I32, Integer.MAX_VALUE, 2));
    }

    @Test
    void integersDivideWithoutTraps() {
        assertEquals(0, Scalars.binary(BinaryOp.DIV, DType.I64, 7, 0));
        assertEquals(0, Scalars.binary(BinaryOp.REMAINDER, DType.I64, 7, 0));
        assertEquals(-3, Scalars.binary(BinaryOp.DIV, DType.I32, -7, 2));
        assertEquals(-1, Scalars.binary(BinaryOp.REMAINDER, DType.I32, -7, 2));
        assertEquals(Integer.MIN_VALUE, Scalars.binary(BinaryOp.DIV, DType.I32, Integer.MIN_VALUE, -1));
    }

    @Test
    void shiftCountsAreModuloTheWidth() {
        assertEquals(2, Scalars.binary(BinaryOp.SHIFT_LEFT, DType.U8, 1, 9));
        assertEquals(0x80, Scalars.binary(BinaryOp.SHIFT_LEFT, DType.U8, 0x41, 7));
        assertEquals(0x7fffffff, Scalars.binary(BinaryOp.SHIFT_RIGHT_LOGICAL, DType.I32, -1, 1));
        assertEquals(-1, Scalars.binary(BinaryOp.SHIFT_RIGHT_LOGICAL, DType.I32, -1, 32));
        assertEquals(1, Scalars.binary(BinaryOp.SHIFT_RIGHT_LOGICAL, DType.I64, Long.MIN_VALUE, 63));
    }

    @Test
    void extremesSeeNaNAndTheSignOfZero() {
        assertEquals(Double.NaN, real(Scalars.binary(BinaryOp.MAX, DType.F32, cell(Double.NaN), cell(1))));
        assertEquals(0.0, real(Scalars.binary(BinaryOp.MAX, DType.F32, cell(-0.0), cell(0.0))));
        assertEquals(-0.0, real(Scalars.binary(BinaryOp.MIN, DType.F32, cell(0.0), cell(-0.0))));
        assertEquals(-0.0, real(Scalars.unary(UnaryOp.SIGN, DType.F32, cell(-0.0))));
        assertEquals(0, Scalars.binary(BinaryOp.EQUAL, DType.F32, cell(Double.NaN), cell(Double.NaN)));
        assertEquals(1, Scalars.binary(BinaryOp.NOT_EQUAL, DType.F32, cell(Double.NaN), cell(Double.NaN)));
        assertEquals(2, real(Scalars.unary(UnaryOp.ROUND, DType.F64, cell(2.5))));
        assertEquals(-0.0, real(Scalars.unary(UnaryOp.TRUNC, DType.F64, cell(-0.5))));
    }

    @Test
    void castsSaturateTruncateAndWrap() {
        assertEquals(0, Cells.cast(DType.F32, DType.I32, cell(Double.NaN)));
        assertEquals(Integer.MAX_VALUE, Cells.cast(DType.F32, DType.I32, cell(1e20)));
        assertEquals(-1, Cells.cast(DType.F32, DType.I64, cell(-1.9)));
        assertEquals(255, Cells.cast(DType.F32, DType.U8, cell(300)));
        assertEquals(0, Cells.cast(DType.F32, DType.U8, cell(-3)));
        assertEquals(1, Cells.cast(DType.F32, DType.BOOL, cell(Double.NaN)));
        assertEquals(1, Cells.cast(DType.I32, DType.U8, 257));
        assertEquals(1, Cells.cast(DType.I32, DType.BOOL, 256));
        assertEquals(0.1f, real(Cells.cast(DType.F64, DType.F32, cell(0.1))));
        assertEquals(65504, real(Cells.cast(DType.F64, DType.F16, cell(65519.99))));
        assertEquals(Double.POSITIVE_INFINITY, real(Cells.cast(DType.F64, DType.F16, cell(65520))));
    }

    /** By way of double, the first of these would round to a tie and then to even. */
    @Test
    void longsRoundOnceToFloat() {
        long justAboveATie = (1L << 60) + (1L << 36) + 1;
        assertEquals((float) justAboveATie, real(Cells.cast(DType.I64, DType.F32, justAboveATie)));
        assertEquals((float) -justAboveATie, real(Cells.cast(DType.I64, DType.F32, -justAboveATie)));
        assertEquals(0x1p63, real(Cells.cast(DType.I64, DType.F32, Long.MAX_VALUE)));
        assertEquals(16777216, real(Cells.cast(DType.I64, DType.F32, 16777217)));
    }

    @Test
    void sigmoidIsExactFarOut() {
        double expected = BigDecimal.ONE.divide(
            BigDecimal.ONE.add(new BigDecimal(StrictMath.exp(40))), MathContext.DECIMAL128).doubleValue();
        assertEquals(expected, real(Scalars.unary(UnaryOp.SIGMOID, DType.F64, cell(-40))), expected * 4e-16);
        assertEquals(0, real(Scalars.unary(UnaryOp.SIGMOID, DType.F64, cell(-1000))));
        assertEquals(1, real(Scalars.unary(UnaryOp.SIGMOID, DType.F64, cell(1000))));
    }
}
