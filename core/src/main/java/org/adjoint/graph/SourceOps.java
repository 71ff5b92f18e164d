package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

/**
 * Tensors made of nothing but numbers.
 *
 * <p>All methods throw {@link IllegalArgumentException} for arguments that do not fit.
 */
public final class SourceOps {
    private SourceOps() { }

    /** Ones on the main diagonal of (rows, columns), zeros else. */
    public static Node eye(DType dtype, long rows, long columns) {
        if (rows < 0 || columns < 0) {
            throw error("eye: rows and columns must not be negative but are %d and %d", rows, columns);
        }
        return cast(equal(reshape(iota(DType.I64, rows), Shape.of(rows, 1)), iota(DType.I64, columns)), dtype);
    }

    /**
     * {@code count} numbers from {@code start} to {@code end}, both included, evenly spaced; computed in {@code F64}.
     */
    public static Node linspace(DType dtype, double start, double end, long count) {
        if (!dtype.isFloating()) {
            throw error("linspace: needs a floating dtype but got %s: arange makes whole numbers", dtype.text());
        }
        if (count < 0) {
            throw error("linspace: the count must not be negative but is %d", count);
        }
        double step = count < 2 ? 0 : (end - start) / (count - 1);
        Node index = iota(DType.F64, count);
        Node fromEnd = sub(end, mul(sub(count - 1, index), step));
        return cast(where(lessThan(index, constant(DType.F64, count / 2.0)), add(mul(index, step), start), fromEnd),
            dtype);
    }

    /**
     * {@code start, start + step, ...} up to, but not including, {@code end}. Floating ones are computed in {@code
     * F64}, integers take whole numbers.
     */
    public static Node arange(DType dtype, double start, double end, double step) {
        double steps = Math.ceil((end - start) / step);
        if (step == 0 || !(Math.abs(steps) < Long.MAX_VALUE)) {
            throw error("arange: there is no way from %s to %s in steps of %s", start, end, step);
        }
        DType compute = dtype.isFloating() ? DType.F64 : DType.I64;
        Node index = iota(compute, Math.max(0, (long) steps));
        return cast(add(mul(index, constant(compute, step)), constant(compute, start)), dtype);
    }
}
