package org.adjoint.cpu.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.adjoint.cpu.group.GroupLoop.Sink;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Instruction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElementaryFunctionsTest {
    private static final int BLOCK = 1024;
    private static final long STRIDE = 10_007;

    private static double bound(UnaryOp op) {
        return switch (op) {
            case NEG, ABS, SIGN, FLOOR, CEIL, ROUND, TRUNC -> 0;
            case SQRT, RECIPROCAL -> 0.5;
            case EXP, LOG -> 1;
            case EXPM1, LOG1P, SIN, COS, ATAN, ERF -> 2;
            case TANH, SIGMOID -> 2.2;
            case NOT, IS_NAN -> throw new IllegalArgumentException(op.text());
        };
    }

    static BlockKernel kernel(UnaryOp op, DType dtype, int widthBits) {
        return kernel(new Instruction.Unary(op, 0, dtype), dtype, 1, widthBits);
    }

    private static BlockKernel kernel(Instruction op, DType dtype, int operands, int widthBits) {
        List<DType> types = Collections.nCopies(operands, dtype);
        return KernelGenerator.generate(GroupLoop.of(BlockProgram.ofOne(op, types),
            Collections.nCopies(operands, GroupLoop.Mode.SCRATCH), List.of(Sink.SCRATCH)), widthBits);
    }

    /** In double, whose error is far below an ulp of a float. */
    private static double truth(UnaryOp op, double x) {
        return switch (op) {
            case NEG -> -x;
            case ABS -> Math.abs(x);
            case SIGN -> Math.signum(x);
            case FLOOR -> Math.floor(x);
            case CEIL -> Math.ceil(x);
            case ROUND -> Math.rint(x);
            case TRUNC -> x < 0 ? Math.ceil(x) : Math.floor(x);
            case SQRT -> Math.sqrt(x);
            case RECIPROCAL -> 1 / x;
            case EXP -> StrictMath.exp(x);
            case EXPM1 -> StrictMath.expm1(x);
            case LOG -> StrictMath.log(x);
            case LOG1P -> StrictMath.log1p(x);
            case SIN -> StrictMath.sin(x);
            case COS -> StrictMath.cos(x);
            case ATAN -> StrictMath.atan(x);
            case TANH -> StrictMath.tanh(x);
            case SIGMOID -> x >= 0 ? 1 / (1 + StrictMath.exp(-x)) : StrictMath.exp(x) / (1 + StrictMath.exp(x));
            case ERF -> erf(x);
            case NOT, IS_NAN -> throw new IllegalArgumentException(op.text());
        };
    }

    /** Abramowitz and Stegun 7.1.6, whose terms are all of one sign. */
    private static double erf(double x) {
        if (Double.isNaN(x) || Math.abs(x) > 6 || Math.abs(x) < 1e-30) {
            return Math.abs(x) > 6 ? Math.signum(x) : x * 2 / Math.sqrt(Math.PI);
        }
        double term = x;
        double sum = x;
        for (int i = 3; Math.abs(term) > 1e-18 * Math.abs(sum); i += 2) {
            term *= 2 * x * x / i;
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * StrictMath.exp(-x * x) * sum;
    }

    private static double ulps(float actual, double expected) {
        float rounded = (float) expected;
        if (Float.isNaN(actual) || Double.isNaN(expected)) {
            return Float.isNaN(actual) && Double.isNaN(expected) ? 0 : Double.POSITIVE_INFINITY;
        }
        if (actual == rounded) {
            boolean sameSign = Float.floatToRawIntBits(actual) == Float.floatToRawIntBits(rounded);
            return !sameSign ? Double.POSITIVE_INFINITY
                : Float.isInfinite(actual) ? 0 : Math.abs(actual - expected) / Math.ulp(rounded);
        }
        if (Float.isInfinite(actual) || Float.isInfinite(rounded)) {
            boolean atEdge = Math.abs(Math.abs(expected) - 0x1.ffffffp127) < 0x1p104;
            return atEdge ? 1 : Double.POSITIVE_INFINITY;
        }
        return Math.abs(actual - expected) / Math.ulp(rounded);
    }

    /** Through all floats, and the neighborhood of special ones. */
    @ParameterizedTest
    @EnumSource(value = UnaryOp.class, names = {"NOT", "IS_NAN"}, mode = EnumSource.Mode.EXCLUDE)
    void floatsAreWithinTheirBound(UnaryOp op) {
        BlockKernel kernel = kernel(op, DType.F32, 0);
        float[] x = new float[BLOCK];
        float[] y = new float[BLOCK];
        long bits = Integer.MIN_VALUE;
        float[] specials = {0f, 1f, 2f, 88.72284f, 87.33655f, 103.97208f, 0.3465736f, 8f, 9.01f, 16.6f, 0.921875f,
            0.6666667f,
            1.3333334f, 0x1p17f, 8388608f, Float.MIN_NORMAL, Float.POSITIVE_INFINITY, 0.5f, 1.5707964f, 3.1415927f,
            11f, 0.41421357f, 2.4142137f};
        int special = 0;
        while (bits <= Integer.MAX_VALUE) {
            for (int i = 0; i < BLOCK; i++) {
                if (special < specials.length * 128) {
                    int near = Float.floatToRawIntBits(specials[special / 128]) + special % 64 - 32;
                    x[i] = special % 128 < 64 ? Float.intBitsToFloat(near) : -Float.intBitsToFloat(near);
                    special++;
                } else {
                    x[i] = Float.intBitsToFloat((int) Math.min(bits, Integer.MAX_VALUE));
                    bits += STRIDE;
                }
            }
            kernel.run(new Object[] {x, y}, new long[2], null, BLOCK);
            for (int i = 0; i < BLOCK; i++) {
                double error = ulps(y[i], truth(op, x[i]));
                assertTrue(error <= bound(op), op.text() + "(" + x[i] + ") = " + y[i] + ": " + error + " ulp");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = UnaryOp.class, mode = EnumSource.Mode.INCLUDE,
        names = {"EXP", "EXPM1", "LOG", "LOG1P", "SIN", "COS", "ATAN", "TANH", "SIGMOID", "ERF", "SQRT", "RECIPROCAL"})
    void doublesAreWithinTheirBound(UnaryOp op) {
        BlockKernel kernel = kernel(op, DType.F64, 0);
        int n = 400;
        double[] x = new double[n];
        double[] y = new double[n];
        Random random = new Random(5);
        for (int i = 0; i < n; i++) {
            x[i] = switch (i % 4) {
                case 0 -> random.nextGaussian();
                case 1 -> random.nextGaussian() * 0.01;
                case 2 -> random.nextGaussian() * (op == UnaryOp.ERF ? 2 : op == UnaryOp.SIN || op == UnaryOp.COS
                    ? 1e5 : 20);
                default -> random.nextDouble() * 1.5 - 0.5;
            };
            if (op == UnaryOp.LOG || op == UnaryOp.SQRT) {
                x[i] = Math.abs(x[i]);
            } else if (op == UnaryOp.LOG1P) {
                x[i] = x[i] > -1 ? x[i] : -x[i];
            }
        }
        kernel.run(new Object[] {x, y}, new long[2], null, n);
        for (int i = 0; i < n; i++) {
            double error = ulps(y[i], HighPrecision.of(op, x[i]));
            assertTrue(error <= bound(op), op.text() + "(" + x[i] + ") = " + y[i] + ": " + error + " ulp");
        }
    }

    private static double ulps(double actual, BigDecimal expected) {
        return Math.abs(new BigDecimal(actual).subtract(expected).doubleValue()) / Math.ulp(expected.doubleValue());
    }

    @ParameterizedTest
    @EnumSource(value = UnaryOp.class, names = {"NOT", "IS_NAN"}, mode = EnumSource.Mode.EXCLUDE)
    void doublesAreRightAtSpecialValues(UnaryOp op) {
        double[] x = {0.0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.MIN_VALUE,
            -Double.MIN_VALUE, Double.MIN_NORMAL, Double.MAX_VALUE, -Double.MAX_VALUE, -1, 1, 709.782712893384,
                709.7827128933841,
            -745.1332191019411, -745.1332191019412, -708.5, 1e22, -1e22, 4503599627370495.5, 0.5, 1.5, -2.5};
        double[] y = new double[x.length];
        kernel(op, DType.F64, 0).run(new Object[] {x, y}, new long[2], null, x.length);
        for (int i = 0; i < x.length; i++) {
            double expected = truth(op, x[i]);
            if (y[i] == 0 || expected == 0 || !Double.isFinite(y[i]) || !Double.isFinite(expected)) {
                assertEquals(expected, y[i], op.text() + "(" + x[i] + ")");
            } else {
                double error = Math.abs(y[i] - expected) / Math.ulp(expected);
                // The truth is a double itself, and its erf a sum of many.
                assertTrue(error <= 16, op.text() + "(" + x[i] + ") = " + y[i] + ", not " + expected);
            }
        }
    }

    @Test
    void powersAreWithinTheirBound() {
        Random random = new Random(9);
        int n = 400;
        double[] x = new double[n];
        double[] y = new double[n];
        double[] z = new double[n];
        float[] xf = new float[n];
        float[] yf = new float[n];
        float[] zf = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = Math.exp(random.nextGaussian() * (i % 2 == 0 ? 3 : 0.01));
            y[i] = random.nextGaussian() * (i % 2 == 0 ? 60 : 20000);
            xf[i] = (float) x[i];
            yf[i] = (float) (y[i] / 8);
        }
        kernel(new Instruction.Binary(BinaryOp.POW, 0, 1, DType.F64), DType.F64, 2, 0)
            .run(new Object[] {x, y, z}, new long[3], null, n);
        kernel(new Instruction.Binary(BinaryOp.POW, 0, 1, DType.F32), DType.F32, 2, 0)
            .run(new Object[] {xf, yf, zf}, new long[3], null, n);
        for (int i = 0; i < n; i++) {
            BigDecimal expected = HighPrecision.pow(x[i], y[i]);
            if (Double.isFinite(expected.doubleValue()) && expected.doubleValue() > Double.MIN_NORMAL) {
                assertTrue(ulps(z[i], expected) <= 2, x[i] + "^" + y[i] + " = " + z[i]);
            }
            double single = StrictMath.pow(xf[i], yf[i]);
            assertTrue(ulps(zf[i], single) <= 0.501, xf[i] + "^" + yf[i] + " = " + zf[i]);
        }
    }

    @Test
    void powersAreRightAtSpecialValues() {
        double inf = Double.POSITIVE_INFINITY;
        double nan = Double.NaN;
        double[][] cases = {{0, -1, inf}, {-0.0, -3, -inf}, {-0.0, 3, -0.0}, {-0.0, 2, 0}, {-2, 3, -8}, {-2, 2, 4},
            {-2, 0.5, nan},
            {1, nan, 1}, {nan, 0, 1}, {nan, 1, nan}, {2, nan, nan}, {-1, inf, 1}, {0.5, inf, 0}, {0.5, -inf, inf}, {2,
                inf, inf},
            {-inf, 3, -inf}, {-inf, -3, -0.0}, {-inf, 2, inf}, {-inf, 0.5, inf}, {inf, -1, 0}, {2, 1e9, inf}, {2,
                -1e9, 0},
            {-2, 1e15, inf}, {0, 0, 1}, {0, inf, 0}, {0, -inf, inf}, {2, 10, 1024}, {2, -149, 0x1p-149}};
        for (double[] each : cases) {
            double[] z = new double[1];
            kernel(new Instruction.Binary(BinaryOp.POW, 0, 1, DType.F64), DType.F64, 2, 0).run(
                new Object[] {new double[] {each[0]}, new double[] {each[1]}, z}, new long[3], null, 1);
            assertEquals(each[2], z[0], each[0] + "^" + each[1]);
            float[] single = new float[1];
            kernel(new Instruction.Binary(BinaryOp.POW, 0, 1, DType.F32), DType.F32, 2, 0).run(
                new Object[] {new float[] {(float) each[0]}, new float[] {(float) each[1]}, single}, new long[3],
                    null, 1);
            assertEquals((float) each[2], single[0], each[0] + "^" + each[1]);
        }
    }
}
