package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/**
 * Loops over rows of {@code float[]} and {@code double[]}, for kernels written by hand: the same machine expressions,
 * and so the same bits, as the elementwise groups, at every vector width and without vectors.
 *
 * <p>A row is {@code n} elements from an index on. Outputs may be the very row of an input, but not overlap it
 * otherwise. Sums keep {@value #FLOAT_LANES} virtual lanes ({@value #DOUBLE_LANES} for {@code double}) in chunks of
 * {@value #CHUNK} elements; the lanes of a chunk are folded in halves, and chunks are added in order. Instances hold
 * no state.
 */
public abstract class RowKernels {
    /** Element i of a chunk goes to lane {@code i % FLOAT_LANES}. */
    public static final int FLOAT_LANES = 16;
    public static final int DOUBLE_LANES = 8;
    /** Elements that are summed before lanes are folded. */
    public static final int CHUNK = 1024;

    /**
     * The kernels for one vector width.
     *
     * @param widthBits 128, 256, 512, or 0 for scalar code
     */
    public static RowKernels of(int widthBits) {
        return Shared.OF_WIDTH.computeIfAbsent(widthBits, width -> new GeneratedRows(width, Shared.WARMER));
    }

    /** Code is shared by all users of a width. */
    private static final class Shared {
        static final Warmer WARMER = new Warmer();
        static final Map<Integer, RowKernels> OF_WIDTH = new ConcurrentHashMap<>();
    }

    /** {@code sum x}; 0 for an empty row. */
    public abstract float sum(float[] x, int xAt, int n);

    /** The largest element, NaN if any is; negative infinity for an empty row. */
    public abstract float max(float[] x, int xAt, int n);

    /** {@code sum a * b}, each product fused into its lane's sum. */
    public abstract float dot(float[] a, int aAt, float[] b, int bAt, int n);

    /** {@code sum (x - center)^2}, each square fused into its lane's sum. */
    public abstract float sumSquares(float[] x, int xAt, float center, int n);

    /** {@code y = exp(x - shift)}. */
    public abstract void exp(float[] x, int xAt, float shift, float[] y, int yAt, int n);

    /** {@code y = exp(x - shift)}, and the sum of y. */
    public abstract float expSum(float[] x, int xAt, float shift, float[] y, int yAt, int n);

    /** {@code y = x * factor}. */
    public abstract void scale(float[] x, int xAt, float factor, float[] y, int yAt, int n);

    /** {@code y = (x - shift) * factor}. */
    public abstract void shiftScale(float[] x, int xAt, float shift, float factor, float[] y, int yAt, int n);

    /** {@code y = y + factor * x}, fused. */
    public abstract void addScaled(float factor, float[] x, int xAt, float[] y, int yAt, int n);

    /** {@code y = a + b}. */
    public abstract void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n);

    /** {@code y = a * b}. */
    public abstract void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n);

    /** {@code y = y + a * b}, fused. */
    public abstract void multiplyAdd(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n);

    /** {@code y = a * (b - shift)}: the gradient of softmax. */
    public abstract void multiplyShifted(float[] a, int aAt, float[] b, int bAt, float shift, float[] y, int yAt,
        int n);

    /** {@code y = op(x)}; {@code op} must give a floating value. */
    public abstract void unary(UnaryOp op, float[] x, int xAt, float[] y, int yAt, int n);

    /** Widens {@code F32}, {@code F16} or {@code BF16} elements from {@code byteOffset} on. */
    public abstract void load(MemorySegment source, long byteOffset, DType dtype, float[] y, int yAt, int n);

    /** Writes elements as {@code F32}, or rounded to nearest even as {@code F16} or {@code BF16}. */
    public abstract void store(float[] x, int xAt, MemorySegment target, long byteOffset, DType dtype, int n);

    /** See {@link #sum(float[], int, int)}. */
    public abstract double sum(double[] x, int xAt, int n);

    /** See {@link #max(float[], int, int)}. */
    public abstract double max(double[] x, int xAt, int n);

    /** See {@link #dot(float[], int, float[], int, int)}. */
    public abstract double dot(double[] a, int aAt, double[] b, int bAt, int n);

    /** See {@link #sumSquares(float[], int, float, int)}. */
    public abstract double sumSquares(double[] x, int xAt, double center, int n);

    /** See {@link #exp(float[], int, float, float[], int, int)}. */
    public abstract void exp(double[] x, int xAt, double shift, double[] y, int yAt, int n);

    /** See {@link #expSum(float[], int, float, float[], int, int)}. */
    public abstract double expSum(double[] x, int xAt, double shift, double[] y, int yAt, int n);

    /** {@code y = x * factor}. */
    public abstract void scale(double[] x, int xAt, double factor, double[] y, int yAt, int n);

    /** {@code y = (x - shift) * factor}. */
    public abstract void shiftScale(double[] x, int xAt, double shift, double factor, double[] y, int yAt, int n);

    /** {@code y = y + factor * x}, fused. */
    public abstract void addScaled(double factor, double[] x, int xAt, double[] y, int yAt, int n);

    /** {@code y = a + b}. */
    public abstract void add(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n);

    /** {@code y = a * b}. */
    public abstract void multiply(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n);

    /** {@code y = y + a * b}, fused. */
    public abstract void multiplyAdd(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n);

    /** {@code y = a * (b - shift)}. */
    public abstract void multiplyShifted(double[] a, int aAt, double[] b, int bAt, double shift, double[] y, int yAt,
        int n);

    /** {@code y = op(x)}; {@code op} must give a floating value. */
    public abstract void unary(UnaryOp op, double[] x, int xAt, double[] y, int yAt, int n);

    /** Folds 16 lanes in halves: lane i with lane i + 8, then i + 4, i + 2, i + 1. */
    static float foldSum(float[] lanes) {
        float a = (lanes[0] + lanes[8]) + (lanes[4] + lanes[12]);
        float b = (lanes[1] + lanes[9]) + (lanes[5] + lanes[13]);
        float c = (lanes[2] + lanes[10]) + (lanes[6] + lanes[14]);
        float d = (lanes[3] + lanes[11]) + (lanes[7] + lanes[15]);
        return (a + c) + (b + d);
    }

    /** The largest of 16 lanes, which does not depend on the order; this one does not wait for one after the other. */
    static float foldMax(float[] lanes) {
        float a = Math.max(Math.max(lanes[0], lanes[1]), Math.max(lanes[2], lanes[3]));
        float b = Math.max(Math.max(lanes[4], lanes[5]), Math.max(lanes[6], lanes[7]));
        float c = Math.max(Math.max(lanes[8], lanes[9]), Math.max(lanes[10], lanes[11]));
        float d = Math.max(Math.max(lanes[12], lanes[13]), Math.max(lanes[14], lanes[15]));
        return Math.max(Math.max(a, b), Math.max(c, d));
    }

    /** Folds 8 lanes in halves: lane i with lane i + 4, then i + 2, i + 1. */
    static double foldSum(double[] lanes) {
        return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
    }
}
