package org.adjoint.cpu.group;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import org.adjoint.cpu.group.RowPrograms.Row;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/** Row kernels generated from {@link RowPrograms} when they are first asked for. */
final class GeneratedRows extends RowKernels {
    private static final int ROWS = Row.values().length;
    private static final int OPS = UnaryOp.values().length;

    private final int widthBits;
    private final Warmer warmer;
    /**
     * For {@code F32}, then for {@code F64}, one kernel for each row and op; then one for each dtype to load, and to
     * store.
     */
    private final AtomicReferenceArray<TieredKernel> kernels =
        new AtomicReferenceArray<>(2 * (ROWS + OPS + DType.values().length));

    /** @param warmer warms vector code while scalar code runs; null to run vector code at once */
    GeneratedRows(int widthBits, Warmer warmer) {
        this.widthBits = widthBits;
        this.warmer = warmer;
    }

    private TieredKernel kernel(Row row, Kind kind) {
        int at = row.ordinal() + (kind == Kind.F32 ? 0 : ROWS + OPS);
        TieredKernel known = kernels.get(at);
        return known != null ? known
            : add(at, () -> TieredKernel.ofRows(RowPrograms.of(row, kind), widthBits, warmer));
    }

    private TieredKernel kernel(UnaryOp op, Kind kind) {
        int at = ROWS + op.ordinal() + (kind == Kind.F32 ? 0 : ROWS + OPS);
        TieredKernel known = kernels.get(at);
        return known != null ? known
            : add(at, () -> TieredKernel.ofRows(RowPrograms.of(op, kind), widthBits, warmer));
    }

    /** The kernel that moves elements of a dtype between memory and rows; without code while there are no vectors. */
    private TieredKernel mover(DType dtype, boolean load) {
        int at = 2 * (ROWS + OPS + dtype.ordinal()) + (load ? 0 : 1);
        TieredKernel known = kernels.get(at);
        return known != null ? known : add(at, () -> TieredKernel.ofMemory(
            load ? RowPrograms.widen(dtype) : RowPrograms.narrow(dtype), widthBits, warmer));
    }

    private TieredKernel add(int at, Supplier<TieredKernel> make) {
        TieredKernel made = make.get();
        return kernels.compareAndSet(at, null, made) ? made : kernels.get(at);
    }

    private static void run(Scratch scratch, TieredKernel kernel, int n, Object a, int aAt, Object b, int bAt) {
        Object[] bases = scratch.bases(2);
        long[] offsets = scratch.offsets(2);
        bases[0] = a;
        bases[1] = b;
        offsets[0] = aAt;
        offsets[1] = bAt;
        kernel.get().run(bases, offsets, scratch.scalars(2), n);
        Arrays.fill(bases, null);
    }

    private static void run(Scratch scratch, TieredKernel kernel, int n, Object a, int aAt, Object b, int bAt, Object c,
        int cAt) {
        Object[] bases = scratch.bases(3);
        long[] offsets = scratch.offsets(3);
        bases[0] = a;
        bases[1] = b;
        bases[2] = c;
        offsets[0] = aAt;
        offsets[1] = bAt;
        offsets[2] = cAt;
        kernel.get().run(bases, offsets, scratch.scalars(2), n);
        Arrays.fill(bases, null);
    }

    private static void run(Scratch scratch, TieredKernel kernel, int n, Object a, int aAt, Object b, int bAt, Object c,
        int cAt, Object d, int dAt) {
        Object[] bases = scratch.bases(4);
        long[] offsets = scratch.offsets(4);
        bases[0] = a;
        bases[1] = b;
        bases[2] = c;
        bases[3] = d;
        offsets[0] = aAt;
        offsets[1] = bAt;
        offsets[2] = cAt;
        offsets[3] = dAt;
        kernel.get().run(bases, offsets, scratch.scalars(2), n);
        Arrays.fill(bases, null);
    }

    @Override
    public void load(MemorySegment source, long byteOffset, DType dtype, float[] y, int yAt, int n) {
        BlockKernel kernel = dtype.isHalf() ? mover(dtype, true).get() : null;
        if (kernel == null) {
            Elements.load(source.asSlice(byteOffset), dtype, 0, 1, y, yAt, n);
        } else {
            kernel.run(new Object[] {source, y}, new long[] {byteOffset, yAt}, null, n);
        }
    }

    @Override
    public void store(float[] x, int xAt, MemorySegment target, long byteOffset, DType dtype, int n) {
        BlockKernel kernel = dtype.isHalf() ? mover(dtype, false).get() : null;
        if (kernel == null) {
            Elements.store(x, xAt, target.asSlice(byteOffset), dtype, 0, 1, n);
        } else {
            kernel.run(new Object[] {x, target}, new long[] {xAt, byteOffset}, null, n);
        }
    }

    @Override
    public float sum(float[] x, int xAt, int n) {
        return sums(Row.SUM, n, 0, x, xAt, null, 0, null, 0);
    }

    @Override
    public float max(float[] x, int xAt, int n) {
        Scratch scratch = Scratch.ofThread();
        float[] lanes = (float[]) scratch.lanes(Kind.F32);
        Arrays.fill(lanes, Float.NEGATIVE_INFINITY);
        run(scratch, kernel(Row.MAX, Kind.F32), n, x, xAt, lanes, 0);
        return foldMax(lanes);
    }

    @Override
    public float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        return sums(Row.DOT, n, 0, a, aAt, b, bAt, null, 0);
    }

    @Override
    public float sumSquares(float[] x, int xAt, float center, int n) {
        return sums(Row.SUM_SQUARES, n, center, x, xAt, null, 0, null, 0);
    }

    @Override
    public float expSum(float[] x, int xAt, float shift, float[] y, int yAt, int n) {
        return sums(Row.EXP_SUM, n, shift, x, xAt, null, 0, y, yAt);
    }

    /** A sum over rows x, y (or null), which may store a row z (or null): lanes, chunk by chunk. */
    private float sums(Row row, int n, float scalar, float[] x, int xAt, float[] y, int yAt, float[] z, int zAt) {
        Scratch scratch = Scratch.ofThread();
        float[] lanes = (float[]) scratch.lanes(Kind.F32);
        TieredKernel kernel = kernel(row, Kind.F32);
        scratch.scalars(1)[0] = Double.doubleToRawLongBits(scalar);
        float total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            Arrays.fill(lanes, 0);
            int size = Math.min(CHUNK, n - chunk);
            if (y != null) {
                run(scratch, kernel, size, x, xAt + chunk, y, yAt + chunk, lanes, 0);
            } else if (z != null) {
                run(scratch, kernel, size, x, xAt + chunk, z, zAt + chunk, lanes, 0);
            } else {
                run(scratch, kernel, size, x, xAt + chunk, lanes, 0);
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public void exp(float[] x, int xAt, float shift, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(shift);
        run(scratch, kernel(Row.EXP, Kind.F32), n, x, xAt, y, yAt);
    }

    @Override
    public void scale(float[] x, int xAt, float factor, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(factor);
        run(scratch, kernel(Row.SCALE, Kind.F32), n, x, xAt, y, yAt);
    }

    @Override
    public void shiftScale(float[] x, int xAt, float shift, float factor, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(shift);
        scratch.scalars(2)[1] = Double.doubleToRawLongBits(factor);
        run(scratch, kernel(Row.SHIFT_SCALE, Kind.F32), n, x, xAt, y, yAt);
    }

    @Override
    public void addScaled(float factor, float[] x, int xAt, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(factor);
        run(scratch, kernel(Row.ADD_SCALED, Kind.F32), n, x, xAt, y, yAt, y, yAt);
    }

    @Override
    public void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(Row.ADD, Kind.F32), n, a, aAt, b, bAt, y, yAt);
    }

    @Override
    public void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(Row.MULTIPLY, Kind.F32), n, a, aAt, b, bAt, y, yAt);
    }

    @Override
    public void multiplyAdd(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(Row.MULTIPLY_ADD, Kind.F32), n, a, aAt, b, bAt, y, yAt, y, yAt);
    }

    @Override
    public void multiplyShifted(float[] a, int aAt, float[] b, int bAt, float shift, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(shift);
        run(scratch, kernel(Row.MULTIPLY_SHIFTED, Kind.F32), n, a, aAt, b, bAt, y, yAt);
    }

    @Override
    public void unary(UnaryOp op, float[] x, int xAt, float[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(op, Kind.F32), n, x, xAt, y, yAt);
    }

    @Override
    public double sum(double[] x, int xAt, int n) {
        return sums(Row.SUM, n, 0, x, xAt, null, 0, null, 0);
    }

    @Override
    public double max(double[] x, int xAt, int n) {
        Scratch scratch = Scratch.ofThread();
        double[] lanes = (double[]) scratch.lanes(Kind.F64);
        Arrays.fill(lanes, Double.NEGATIVE_INFINITY);
        run(scratch, kernel(Row.MAX, Kind.F64), n, x, xAt, lanes, 0);
        double max = lanes[0];
        for (double lane : lanes) {
            max = Math.max(max, lane);
        }
        return max;
    }

    @Override
    public double dot(double[] a, int aAt, double[] b, int bAt, int n) {
        return sums(Row.DOT, n, 0, a, aAt, b, bAt, null, 0);
    }

    @Override
    public double sumSquares(double[] x, int xAt, double center, int n) {
        return sums(Row.SUM_SQUARES, n, center, x, xAt, null, 0, null, 0);
    }

    @Override
    public double expSum(double[] x, int xAt, double shift, double[] y, int yAt, int n) {
        return sums(Row.EXP_SUM, n, shift, x, xAt, null, 0, y, yAt);
    }

    /** A sum over rows x, y (or null), which may store a row z (or null): lanes, chunk by chunk. */
    private double sums(Row row, int n, double scalar, double[] x, int xAt, double[] y, int yAt, double[] z, int zAt) {
        Scratch scratch = Scratch.ofThread();
        double[] lanes = (double[]) scratch.lanes(Kind.F64);
        TieredKernel kernel = kernel(row, Kind.F64);
        scratch.scalars(1)[0] = Double.doubleToRawLongBits(scalar);
        double total = 0;
        for (int chunk = 0; chunk < n; chunk += CHUNK) {
            Arrays.fill(lanes, 0);
            int size = Math.min(CHUNK, n - chunk);
            if (y != null) {
                run(scratch, kernel, size, x, xAt + chunk, y, yAt + chunk, lanes, 0);
            } else if (z != null) {
                run(scratch, kernel, size, x, xAt + chunk, z, zAt + chunk, lanes, 0);
            } else {
                run(scratch, kernel, size, x, xAt + chunk, lanes, 0);
            }
            total += foldSum(lanes);
        }
        return total;
    }

    @Override
    public void exp(double[] x, int xAt, double shift, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(shift);
        run(scratch, kernel(Row.EXP, Kind.F64), n, x, xAt, y, yAt);
    }

    @Override
    public void scale(double[] x, int xAt, double factor, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(factor);
        run(scratch, kernel(Row.SCALE, Kind.F64), n, x, xAt, y, yAt);
    }

    @Override
    public void shiftScale(double[] x, int xAt, double shift, double factor, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(shift);
        scratch.scalars(2)[1] = Double.doubleToRawLongBits(factor);
        run(scratch, kernel(Row.SHIFT_SCALE, Kind.F64), n, x, xAt, y, yAt);
    }

    @Override
    public void addScaled(double factor, double[] x, int xAt, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(factor);
        run(scratch, kernel(Row.ADD_SCALED, Kind.F64), n, x, xAt, y, yAt, y, yAt);
    }

    @Override
    public void add(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(Row.ADD, Kind.F64), n, a, aAt, b, bAt, y, yAt);
    }

    @Override
    public void multiply(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(Row.MULTIPLY, Kind.F64), n, a, aAt, b, bAt, y, yAt);
    }

    @Override
    public void multiplyAdd(double[] a, int aAt, double[] b, int bAt, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(Row.MULTIPLY_ADD, Kind.F64), n, a, aAt, b, bAt, y, yAt, y, yAt);
    }

    @Override
    public void multiplyShifted(double[] a, int aAt, double[] b, int bAt, double shift, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        scratch.scalars(2)[0] = Double.doubleToRawLongBits(shift);
        run(scratch, kernel(Row.MULTIPLY_SHIFTED, Kind.F64), n, a, aAt, b, bAt, y, yAt);
    }

    @Override
    public void unary(UnaryOp op, double[] x, int xAt, double[] y, int yAt, int n) {
        Scratch scratch = Scratch.ofThread();
        run(scratch, kernel(op, Kind.F64), n, x, xAt, y, yAt);
    }
}
