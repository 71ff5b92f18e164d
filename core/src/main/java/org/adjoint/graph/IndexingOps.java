package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.Arrays;

/**
 * Selecting and replacing elements by index, and sorting.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class IndexingOps {
    private IndexingOps() { }

    // Gathering and scattering

    static void requireIndices(String op, Node indices) {
        if (indices.dtype() != DType.I32 && indices.dtype() != DType.I64) {
            throw error("%s: indices must be i32 or i64 but are %s", op, indices.type());
        }
    }

    /** See {@link Op.Gather}. */
    public static Node gather(Node x, int axis, Node indices) {
        requireIndices("gather", indices);
        int resolved = x.shape().axis("gather", axis);
        requireInside("gather", x.shape(), resolved, indices.shape());
        return node(new Op.Gather(resolved), x.dtype(), indices.shape(), x, indices);
    }

    /** See {@link Op.ScatterAdd}. */
    public static Node scatterAdd(Node x, int axis, Node indices, Node updates) {
        requireIndices("scatterAdd", indices);
        int resolved = x.shape().axis("scatterAdd", axis);
        requireInside("scatterAdd", x.shape(), resolved, indices.shape());
        if (!updates.shape().equals(indices.shape()) || updates.dtype() != x.dtype()) {
            throw error("scatterAdd: updates %s must have the shape of the indices %s and dtype %s",
                updates.type(), indices.shape(), x.dtype().text());
        }
        if (x.dtype().isBoolean()) {
            throw error("scatterAdd: does not take bool tensors");
        }
        return node(new Op.ScatterAdd(resolved), x.dtype(), x.shape(), x, indices, updates);
    }

    static void requireInside(String op, Shape x, int axis, Shape indices) {
        boolean fits = x.rank() == indices.rank();
        for (int i = 0; fits && i < x.rank(); i++) {
            fits = i == axis || indices.extent(i) <= x.extent(i);
        }
        if (!fits) {
            throw error("%s: indices %s must have the rank of x %s and extend no further, but along axis %d",
                op, indices, x, axis);
        }
    }

    /** Rows of {@code table} (rows, width...) at {@code indices}: {@code (indices..., width...)}. */
    public static Node embedding(Node table, Node indices) {
        requireIndices("embedding", indices);
        if (table.shape().rank() < 1) {
            throw error("embedding: the table must have at least one axis but is a scalar");
        }
        long count = indices.shape().elements();
        long[] flat = table.shape().toArray();
        flat[0] = count;
        long[] column = new long[flat.length];
        Arrays.fill(column, 1);
        column[0] = count;
        Node expanded = broadcastTo(reshape(indices, Shape.of(column)), Shape.of(flat));
        Node rows = node(new Op.Gather(0, "embedding"), table.dtype(), expanded.shape(), table, expanded);
        long[] result = new long[indices.shape().rank() + flat.length - 1];
        System.arraycopy(indices.shape().toArray(), 0, result, 0, indices.shape().rank());
        System.arraycopy(flat, 1, result, indices.shape().rank(), flat.length - 1);
        return reshape(rows, Shape.of(result));
    }

    private static void requireStarts(String op, Node x, Node starts) {
        if (!starts.type().equals(new TensorType(DType.I64, Shape.of(x.shape().rank())))) {
            throw error("%s: starts of %s must be i64(%d) but are %s", op, x.shape(), x.shape().rank(), starts.type());
        }
    }

    private static void requireWindow(String op, Node x, Shape window) {
        boolean fits = window.rank() == x.shape().rank();
        for (int axis = 0; fits && axis < window.rank(); axis++) {
            fits = window.extent(axis) <= x.shape().extent(axis);
        }
        if (!fits) {
            throw error("%s: a window %s does not fit in %s", op, window, x.shape());
        }
    }

    /** See {@link Op.DynamicSlice}. */
    public static Node dynamicSlice(Node x, Node starts, Shape window) {
        requireStarts("dynamicSlice", x, starts);
        requireWindow("dynamicSlice", x, window);
        return node(new Op.DynamicSlice(window), x.dtype(), window, x, starts);
    }

    /** See {@link Op.DynamicUpdateSlice}. */
    public static Node dynamicUpdateSlice(Node x, Node update, Node starts) {
        requireStarts("dynamicUpdateSlice", x, starts);
        requireWindow("dynamicUpdateSlice", x, update.shape());
        if (update.dtype() != x.dtype()) {
            throw error("dynamicUpdateSlice: x is %s but the update is %s: cast one", x.type(), update.type());
        }
        return node(new Op.DynamicUpdateSlice(), x.dtype(), x.shape(), x, update, starts);
    }

    // Sorting

    /** See {@link Op.ArgSort}. */
    public static Node argSort(Node x, int axis, boolean descending) {
        return sortingIndices("argsort", x, axis, descending);
    }

    private static Node sortingIndices(String op, Node x, int axis, boolean descending) {
        int resolved = x.shape().axis(op, axis);
        return node(new Op.ArgSort(resolved, descending), DType.I64, x.shape(), x);
    }

    /** The elements of each line along an axis in order; see {@link Op.ArgSort}. */
    public static Node sort(Node x, int axis, boolean descending) {
        return gather(x, axis, sortingIndices("sort", x, axis, descending));
    }

    /** The indices of the k largest (or smallest) elements of each line, the largest (or smallest) first. */
    public static Node topK(Node x, long k, int axis, boolean largest) {
        Node order = sortingIndices("topK", x, axis, largest);
        long extent = x.shape().extent(x.shape().axis("topK", axis));
        if (k < 0 || k > extent) {
            throw error("topK: k must be in [0, %d], for axis %d of %s has %d elements, but is %d",
                extent, axis, x.shape(), extent, k);
        }
        return slice(order, axis, 0, k);
    }

    /** The index of the k-th smallest element of each line, counted from 1; the axis stays with extent 1. */
    public static Node kthValue(Node x, long k, int axis) {
        Node order = sortingIndices("kthValue", x, axis, false);
        long extent = x.shape().extent(x.shape().axis("kthValue", axis));
        if (k < 1 || k > extent) {
            throw error("kthValue: k must be in [1, %d], for axis %d of %s has %d elements, but is %d",
                extent, axis, x.shape(), extent, k);
        }
        return slice(order, axis, k - 1, k);
    }

    /**
     * The index of the median of each line, the lower of two, or of the first NaN where there is one, as in PyTorch;
     * the axis stays with extent 1.
     */
    public static Node median(Node x, int axis) {
        Node order = sortingIndices("median", x, axis, false);
        int resolved = x.shape().axis("median", axis);
        long extent = x.shape().extent(resolved);
        if (extent == 0) {
            throw error("median: axis %d of %s is empty, and nothing has no median", axis, x.shape());
        }
        Node middle = slice(order, resolved, (extent - 1) / 2, (extent - 1) / 2 + 1);
        if (!x.dtype().isFloating()) {
            return middle;
        }
        Node nan = unary(UnaryOp.IS_NAN, x);
        Node first = argReduce(true, cast(nan, DType.U8), resolved);
        first = reshape(first, middle.shape());
        return where(gather(nan, resolved, first), first, middle);
    }

    /**
     * Where each value would be inserted into a sorted sequence, so that it stays sorted: before equal elements, or
     * with {@code right} behind them; NaN comes last. As PyTorch's searchsorted.
     *
     * @param sorted {@code (n)} for values of any shape, or {@code (batch..., n)} for values {@code (batch..., m)}
     * @return {@code I64} in [0, n], shaped like the values
     */
    public static Node searchSorted(Node sorted, Node values, boolean right) {
        Shape sequence = sorted.shape();
        int last = sequence.rank() - 1;
        if (sorted.dtype().isBoolean() || values.dtype().isBoolean()) {
            throw error("searchSorted: does not take bool tensors: cast %s and %s to a number type first",
                sorted.type(), values.type());
        }
        boolean fits = last == 0 || last > 0 && values.shape().rank() == last + 1
            && values.shape().without(last).equals(sequence.without(last));
        if (!fits) {
            throw error("searchSorted: the sorted sequence %s must have one axis, or differ from the values %s along "
                + "the last axis alone", sequence, values.shape());
        }
        DType dtype = DType.promote(sorted.dtype(), values.dtype());
        return fused(new SearchSorted(right), cast(sorted, dtype), cast(values, dtype));
    }

    /** {@link #searchSorted} with boundaries {@code (n)} that serve all values. */
    public static Node bucketize(Node x, Node boundaries, boolean right) {
        if (boundaries.shape().rank() != 1) {
            throw error("bucketize: the boundaries must have one axis but are %s", boundaries.type());
        }
        if (x.dtype().isBoolean() || boundaries.dtype().isBoolean()) {
            throw error("bucketize: does not take bool tensors: cast %s and %s to a number type first",
                x.type(), boundaries.type());
        }
        return searchSorted(boundaries, x, right);
    }

    // Selecting

    /** Slices of x at {@code indices}, of one axis, along an axis. */
    public static Node indexSelect(Node x, int axis, Node indices) {
        int resolved = requireList("indexSelect", x, axis, indices);
        Shape shape = x.shape().with(resolved, indices.shape().extent(0));
        return gather(x, resolved, spread(indices, resolved, shape));
    }

    /** Elements of x in row-major order at {@code indices}: shaped like these. */
    public static Node take(Node x, Node indices) {
        requireIndices("take", indices);
        Node flat = reshape(x, Shape.of(x.shape().elements()));
        return reshape(gather(flat, 0, reshape(indices, Shape.of(indices.shape().elements()))), indices.shape());
    }

    /**
     * 1 where the class is the index, else 0: {@code (..., classes)}.
     *
     * @param indices in [0, classes), or it is an error when computed, as in PyTorch
     */
    public static Node oneHot(Node indices, long classes, DType dtype) {
        requireIndices("oneHot", indices);
        if (classes < 1) {
            throw error("oneHot: there must be at least one class but there are %d", classes);
        }
        Node column = reshape(indices, indices.shape().withTrailingOne());
        Node zeros = full(dtype, column.shape().with(column.shape().rank() - 1, classes), 0);
        return scatter(zeros, -1, column, full(dtype, column.shape(), 1));
    }

    // Replacing

    /** See {@link Op.Scatter}. */
    public static Node scatter(Node x, int axis, Node indices, Node updates) {
        int resolved = requireUpdates("scatter", x, axis, indices, updates);
        return node(new Op.Scatter(resolved), x.dtype(), x.shape(), x, indices, updates);
    }

    /** {@code value} where the mask is true, else x. */
    public static Node maskedFill(Node x, Node mask, double value) {
        if (!mask.dtype().isBoolean()) {
            throw error("maskedFill: the mask must be bool but is %s: compare it with something", mask.type());
        }
        Shape.broadcast("maskedFill", x.shape(), mask.shape());
        return where(mask, scalar(x, value), x);
    }

    /**
     * The elements of {@code source}, in row-major order, one after the other where the mask is true, else x.
     *
     * @param source with as many elements as the mask has trues, or more; with fewer it is an error when computed
     */
    public static Node maskedScatter(Node x, Node mask, Node source) {
        if (!mask.dtype().isBoolean()) {
            throw error("maskedScatter: the mask must be bool but is %s: compare it with something", mask.type());
        }
        if (!mask.shape().broadcastsTo(x.shape())) {
            throw error("maskedScatter: the mask %s does not broadcast to x %s", mask.shape(), x.shape());
        }
        if (source.dtype() != x.dtype()) {
            throw error("maskedScatter: x is %s but the source is %s: cast one", x.type(), source.type());
        }
        Shape list = Shape.of(x.shape().elements());
        if (x.shape().isEmpty()) {
            return x;
        }
        if (source.shape().isEmpty()) {
            throw error("maskedScatter: the source %s is empty", source.type());
        }
        Node flat = reshape(broadcastTo(mask, x.shape()), list);
        Node rank = sub(ReductionOps.cumsum(cast(flat, DType.I64), 0), 1);
        Node from = gather(reshape(source, Shape.of(source.shape().elements())), 0,
            where(flat, rank, constant(DType.I64, 0)));
        return where(broadcastTo(mask, x.shape()), reshape(from, x.shape()), x);
    }

    private static int requireUpdates(String op, Node x, int axis, Node indices, Node updates) {
        requireIndices(op, indices);
        int resolved = x.shape().axis(op, axis);
        requireInside(op, x.shape(), resolved, indices.shape());
        if (!updates.shape().equals(indices.shape()) || updates.dtype() != x.dtype()) {
            throw error("%s: updates %s must have the shape of the indices %s and dtype %s",
                op, updates.type(), indices.shape(), x.dtype().text());
        }
        return resolved;
    }

    /**
     * A copy of x whose elements at {@code indices} are the largest (or smallest) of themselves and the updates that go
     * there; NaN if one of these is. All that tie share the cotangent evenly, as in PyTorch's {@code scatter_reduce}.
     */
    public static Node scatterExtremum(boolean largest, Node x, int axis, Node indices, Node updates) {
        String op = largest ? "scatterMax" : "scatterMin";
        int resolved = requireUpdates(op, x, axis, indices, updates);
        if (x.dtype().isBoolean()) {
            throw error("%s: does not take bool tensors", op);
        }
        return fused(new ScatterExtremum(largest, resolved), x, indices, updates);
    }

    /**
     * A copy of x whose elements at {@code indices} are the means of themselves and the updates that go there, as
     * PyTorch's {@code scatter_reduce} with {@code "mean"}. 16-bit tensors are added up in {@code F32}.
     */
    public static Node scatterMean(Node x, int axis, Node indices, Node updates) {
        requireFloating("scatterMean", x.dtype());
        int resolved = requireUpdates("scatterMean", x, axis, indices, updates);
        Node wide = widen(x);
        Node counts = scatterAdd(onesLike(wide), resolved, indices, onesLike(widen(updates)));
        return cast(div(scatterAdd(wide, resolved, indices, widen(updates)), counts), x.dtype());
    }

    /** A copy of x to which slices of updates are added at {@code indices}, of one axis, along an axis. */
    public static Node indexAdd(Node x, int axis, Node indices, Node updates) {
        int resolved = requireList("indexAdd", x, axis, indices);
        Shape shape = x.shape().with(resolved, indices.shape().extent(0));
        if (!updates.shape().equals(shape) || updates.dtype() != x.dtype()) {
            throw error("indexAdd: updates %s must have shape %s, x's with one slice per index, and dtype %s",
                updates.type(), shape, x.dtype().text());
        }
        if (x.dtype().isBoolean()) {
            throw error("indexAdd: does not take bool tensors");
        }
        return scatterAdd(x, resolved, spread(indices, resolved, shape), updates);
    }

    private static int requireList(String op, Node x, int axis, Node indices) {
        requireIndices(op, indices);
        if (indices.shape().rank() != 1) {
            throw error("%s: the indices must have one axis but are %s", op, indices.type());
        }
        return x.shape().axis(op, axis);
    }

    /** A list along one axis of a shape, the same for all elements of the others. */
    private static Node spread(Node list, int axis, Shape shape) {
        long[] extents = new long[shape.rank()];
        Arrays.fill(extents, 1);
        extents[axis] = shape.extent(axis);
        return broadcastTo(reshape(list, Shape.of(extents)), shape);
    }

    /** {@code I64}: each element's place along an axis of a shape. */
    static Node along(int axis, Shape shape) {
        return spread(iota(DType.I64, shape.extent(axis)), axis, shape);
    }
}
