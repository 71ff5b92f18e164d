package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/** Row kernels as plain loops. */
final class PlainRows extends RowKernels {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    @Override
    public float sum(float[] x, int xAt, int n) {
        float total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            float[] lanes = new float[16];
            for (int i = chunk; i < Math.min(n, chunk + CHUNK); i++) {
                lanes[(i - chunk) % 16] += x[xAt + i];
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public float max(float[] x, int xAt, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, x[xAt + i]);
        }
        return max;
    }

    @Override
    public float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        float total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            float[] lanes = new float[16];
            for (int i = chunk; i < Math.min(n, chunk + CHUNK); i++) {
                int lane = (i - chunk) % 16;
                lanes[lane] = Math.fma(a[aAt + i], b[bAt + i], lanes[lane]);
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public float sumSquares(float[] x, int xAt, float center, int n) {
        float total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            float[] lanes = new float[16];
            for (int i = chunk; i < Math.min(n, chunk + CHUNK); i++) {
                int lane = (i - chunk) % 16;
                float deviation = x[xAt + i] - center;
                lanes[lane] = Math.fma(deviation, deviation, lanes[lane]);
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public float expSum(float[] x, int xAt, float shift, float[] y, int yAt, int n) {
        exp(x, xAt, shift, y, yAt, n);
        return sum(y, yAt, n);
    }

    @Override
    public void exp(float[] x, int xAt, float shift, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = (float) StrictMath.exp(x[xAt + i] - shift);
        }
    }

    @Override
    public void scale(float[] x, int xAt, float factor, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = x[xAt + i] * factor;
        }
    }

    @Override
    public void shiftScale(float[] x, int xAt, float shift, float factor, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = (x[xAt + i] - shift) * factor;
        }
    }

    @Override
    public void addScaled(float factor, float[] x, int xAt, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = Math.fma(factor, x[xAt + i], y[yAt + i]);
        }
    }

    @Override
    public void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = a[aAt + i] + b[bAt + i];
        }
    }

    @Override
    public void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = a[aAt + i] * b[bAt + i];
        }
    }

    @Override
    public void multiplyAdd(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = Math.fma(a[aAt + i], b[bAt + i], y[yAt + i]);
        }
    }

    @Override
    public void multiplyShifted(float[] a, int aAt, float[] b, int bAt, float shift, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = a[aAt + i] * (b[bAt + i] - shift);
        }
    }

    @Override
    public void unary(UnaryOp op, float[] x, int xAt, float[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = (float) switch (op) {
                case NEG -> -x[xAt + i];
                case EXP -> StrictMath.exp(x[xAt + i]);
                case LOG -> StrictMath.log(x[xAt + i]);
                case TANH -> StrictMath.tanh(x[xAt + i]);
                case SQRT -> Math.sqrt(x[xAt + i]);
                case SIGMOID -> 1 / (1 + StrictMath.exp(-x[xAt + i]));
                default -> throw new UnsupportedOperationException(op.text());
            };
        }
    }

    @Override
    public void load(MemorySegment source, long byteOffset, DType dtype, float[] y, int yAt, int n) {
        if (dtype == DType.F32) {
            MemorySegment.copy(source, FLOAT, byteOffset, y, yAt, n);
            return;
        }
        for (int i = 0; i < n; i++) {
            short bits = source.get(SHORT, byteOffset + 2L * i);
            y[yAt + i] = dtype == DType.F16 ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
        }
    }

    @Override
    public void store(float[] x, int xAt, MemorySegment target, long byteOffset, DType dtype, int n) {
        if (dtype == DType.F32) {
            MemorySegment.copy(x, xAt, target, FLOAT, byteOffset, n);
            return;
        }
        for (int i = 0; i < n; i++) {
            float value = x[xAt + i];
            target.set(SHORT, byteOffset + 2L * i, dtype == DType.F16 ? Float.floatToFloat16(value) : toBf16(value));
        }
    }

    private static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) (Float.isNaN(value) ? bits >>> 16 | 0x40 : bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    @Override
    public double sum(double[] x, int xAt, int n) {
        double total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            double[] lanes = new double[8];
            for (int i = chunk; i < Math.min(n, chunk + CHUNK); i++) {
                lanes[(i - chunk) % 8] += x[xAt + i];
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public double max(double[] x, int xAt, int n) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, x[xAt + i]);
        }
        return max;
    }

    @Override
    public double dot(double[] a, int aAt, double[] b, int bAt, int n) {
        double total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            double[] lanes = new double[8];
            for (int i = chunk; i < Math.min(n, chunk + CHUNK); i++) {
                int lane = (i - chunk) % 8;
                lanes[lane] = Math.fma(a[aAt + i], b[bAt + i], lanes[lane]);
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public double sumSquares(double[] x, int xAt, double center, int n) {
        double total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            double[] lanes = new double[8];
            for (int i = chunk; i < Math.min(n, chunk + CHUNK); i++) {
                int lane = (i - chunk) % 8;
                double deviation = x[xAt + i] - center;
                lanes[lane] = Math.fma(deviation, deviation, lanes[lane]);
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public double expSum(double[] x, int xAt, double shift, double[] y, int yAt, int n) {
        exp(x, xAt, shift, y, yAt, n);
        return sum(y, yAt, n);
    }

    @Override
    public void exp(double[] x, int xAt, double shift, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = StrictMath.exp(x[xAt + i] - shift);
        }
    }

    @Override
    public void scale(double[] x, int xAt, double factor, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = x[xAt + i] * factor;
        }
    }

    @Override
    public void shiftScale(double[] x, int xAt, double shift, double factor, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = (x[xAt + i] - shift) * factor;
        }
    }

    @Override
    public void addScaled(double factor, double[] x, int xAt, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = Math.fma(factor, x[xAt + i], y[yAt + i]);
        }
    }

    @Override
    public void add(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = a[aAt + i] + b[bAt + i];
        }
    }

    @Override
    public void multiply(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = a[aAt + i] * b[bAt + i];
        }
    }

    @Override
    public void multiplyAdd(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = Math.fma(a[aAt + i], b[bAt + i], y[yAt + i]);
        }
    }

    @Override
    public void multiplyShifted(double[] a, int aAt, double[] b, int bAt, double shift, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = a[aAt + i] * (b[bAt + i] - shift);
        }
    }

    @Override
    public void unary(UnaryOp op, double[] x, int xAt, double[] y, int yAt, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = switch (op) {
                case NEG -> -x[xAt + i];
                case EXP -> StrictMath.exp(x[xAt + i]);
                case LOG -> StrictMath.log(x[xAt + i]);
                case TANH -> StrictMath.tanh(x[xAt + i]);
                case SQRT -> Math.sqrt(x[xAt + i]);
                case SIGMOID -> 1 / (1 + StrictMath.exp(-x[xAt + i]));
                default -> throw new UnsupportedOperationException(op.text());
            };
        }
    }
}
