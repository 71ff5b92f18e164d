package org.adjoint;

import org.adjoint.graph.DType;
import org.adjoint.graph.IndexingOps;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;

/** Sorting a {@link Tensor}, selecting and replacing elements by index or mask. */
public sealed interface IndexingMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    // Sorting. NaN counts as greater than all numbers, -0 as equal to 0; elements that tie stay in order.

    /** The elements of each line along an axis, ascending. */
    default Tensor sort(int axis) {
        return sort(axis, false);
    }

    default Tensor sort(int axis, boolean descending) {
        return self().map("sort", x -> IndexingOps.sort(x, axis, descending));
    }

    /** The indices, {@code I64}, that sort each line along an axis ascending; see {@link Op.ArgSort}. */
    default Tensor argsort(int axis) {
        return argsort(axis, false);
    }

    default Tensor argsort(int axis, boolean descending) {
        return self().map("argsort", x -> IndexingOps.argSort(x, axis, descending));
    }

    /** The k largest elements of each line along an axis, largest first, and their indices. */
    default Selection topK(long k, int axis) {
        return topK(k, axis, true);
    }

    /** The k largest elements of each line along an axis, or the k smallest, that first, and their indices. */
    default Selection topK(long k, int axis, boolean largest) {
        return selected(axis, self().map("topK", x -> IndexingOps.topK(x, k, axis, largest)));
    }

    /** The k-th smallest element of each line along an axis, counted from 1, and its index; the axis is dropped. */
    default Selection kthValue(long k, int axis) {
        return dropped(axis, selected(axis, self().map("kthValue", x -> IndexingOps.kthValue(x, k, axis))));
    }

    /**
     * The median of each line along an axis and its index: the lower of the two in the middle, or NaN where there is
     * one, as in PyTorch; the axis is dropped.
     */
    default Selection median(int axis) {
        return dropped(axis, selected(axis, self().map("median", x -> IndexingOps.median(x, axis))));
    }

    private Selection selected(int axis, Tensor indices) {
        return new Selection(self().gather(axis, indices), indices);
    }

    private static Selection dropped(int axis, Selection kept) {
        return new Selection(kept.values().squeeze(axis), kept.indices().squeeze(axis));
    }

    /**
     * Where each value would be inserted into this ascending sequence {@code (n)}, or these sequences
     * {@code (batch..., n)} for values {@code (batch..., m)}: before equal elements, or with {@code right} behind them.
     *
     * @return {@code I64} in [0, n], shaped like the values
     */
    default Tensor searchSorted(Tensor values, boolean right) {
        return self().zip("searchSorted", values, (sorted, v) -> IndexingOps.searchSorted(sorted, v, right));
    }

    /** For each element the interval between ascending boundaries {@code (n)} it lies in: {@link #searchSorted}. */
    default Tensor bucketize(Tensor boundaries, boolean right) {
        return self().zip("bucketize", boundaries, (x, sorted) -> IndexingOps.bucketize(x, sorted, right));
    }

    // Selecting

    /** {@code y[.., i, ..] = this[.., indices[.., i, ..], ..]} along an axis; see {@link Op.Gather}. */
    default Tensor gather(int axis, Tensor indices) {
        return self().zip("gather", indices, (x, i) -> IndexingOps.gather(x, axis, i));
    }

    /** Slices at {@code indices}, {@code I32} or {@code I64} of one axis, along an axis. */
    default Tensor indexSelect(int axis, Tensor indices) {
        return self().zip("indexSelect", indices, (x, i) -> IndexingOps.indexSelect(x, axis, i));
    }

    /** Elements in row-major order at {@code indices}, shaped like these. */
    default Tensor take(Tensor indices) {
        return self().zip("take", indices, IndexingOps::take);
    }

    /** Rows of this table at {@code indices}. */
    default Tensor embedding(Tensor indices) {
        return self().zip("embedding", indices, IndexingOps::embedding);
    }

    /** {@code I64}: 1 where the class is the index that this tensor holds, else 0: {@code (..., classes)}. */
    default Tensor oneHot(long classes) {
        return oneHot(classes, DType.I64);
    }

    /** As {@link #oneHot(long)} in another dtype. */
    default Tensor oneHot(long classes, DType dtype) {
        return self().map("oneHot", x -> IndexingOps.oneHot(x, classes, dtype));
    }

    /** A window that begins at {@code starts}, {@code i64(rank)}. */
    default Tensor dynamicSlice(Tensor starts, long... window) {
        return self().zip("dynamicSlice", starts, (x, s) -> IndexingOps.dynamicSlice(x, s, Shape.of(window)));
    }

    /**
     * The elements where {@code mask} is true, in row-major order: {@code (n)}. Both are broadcast. Computes the mask
     * now.
     *
     * @throws IllegalStateException in a traced function, for the shape depends on values
     */
    default Tensor maskedSelect(Tensor mask) {
        return DataDependent.maskedSelect(self(), mask);
    }

    /**
     * The indices of the elements that are not 0 (or false), in row-major order: {@code I64}, {@code (n, rank)}.
     * Computes this tensor now.
     *
     * @throws IllegalStateException in a traced function, for the shape depends on values
     */
    default Tensor nonzero() {
        return DataDependent.nonzero(self());
    }

    /**
     * The different elements of this tensor, where each of its elements is among them, and how often each is there.
     * Each NaN is an element of its own, as in PyTorch. Computes this tensor now.
     *
     * @throws IllegalStateException in a traced function, for the shape depends on values
     */
    default UniqueElements unique() {
        return DataDependent.unique(self());
    }

    // Replacing

    /** Elements of this tensor, but {@code value} where {@code mask} is true. */
    default Tensor maskedFill(Tensor mask, double value) {
        return self().zip("maskedFill", mask, (x, m) -> IndexingOps.maskedFill(x, m, value));
    }

    /**
     * Elements of {@code source}, in row-major order, one after the other where {@code mask}, which is broadcast, is
     * true, else those of this tensor. A source with too few of them is an error when computed.
     */
    default Tensor maskedScatter(Tensor mask, Tensor source) {
        return self().combine("maskedScatter", x -> IndexingOps.maskedScatter(x.get(0), x.get(1), x.get(2)), mask,
            source);
    }

    /**
     * A copy with {@code updates} in place of the elements at {@code indices} along an axis, the last in row-major
     * order where several indices are equal; see {@link Op.Scatter}.
     */
    default Tensor scatter(int axis, Tensor indices, Tensor updates) {
        return self().combine("scatter", x -> IndexingOps.scatter(x.get(0), axis, x.get(1), x.get(2)), indices,
            updates);
    }

    /** A copy with {@code updates} added at {@code indices} along an axis; see {@link Op.ScatterAdd}. */
    default Tensor scatterAdd(int axis, Tensor indices, Tensor updates) {
        return self().combine("scatterAdd", x -> IndexingOps.scatterAdd(x.get(0), axis, x.get(1), x.get(2)), indices,
            updates);
    }

    /**
     * A copy whose elements at {@code indices} along an axis are the largest of themselves and the updates, as
     * PyTorch's {@code scatter_reduce} with {@code "amax"}; elements that tie share the gradient.
     */
    default Tensor scatterMax(int axis, Tensor indices, Tensor updates) {
        return self().combine("scatterMax",
            x -> IndexingOps.scatterExtremum(true, x.get(0), axis, x.get(1), x.get(2)), indices, updates);
    }

    /** As {@link #scatterMax} with the smallest. */
    default Tensor scatterMin(int axis, Tensor indices, Tensor updates) {
        return self().combine("scatterMin",
            x -> IndexingOps.scatterExtremum(false, x.get(0), axis, x.get(1), x.get(2)), indices, updates);
    }

    /**
     * A copy whose elements at {@code indices} along an axis are the means of themselves and the updates, as PyTorch's
     * {@code scatter_reduce} with {@code "mean"}; floating.
     */
    default Tensor scatterMean(int axis, Tensor indices, Tensor updates) {
        return self().combine("scatterMean", x -> IndexingOps.scatterMean(x.get(0), axis, x.get(1), x.get(2)), indices,
            updates);
    }

    /** A copy to which slices of {@code updates} are added at {@code indices}, of one axis, along an axis. */
    default Tensor indexAdd(int axis, Tensor indices, Tensor updates) {
        return self().combine("indexAdd", x -> IndexingOps.indexAdd(x.get(0), axis, x.get(1), x.get(2)), indices,
            updates);
    }

    /** This tensor with the window that begins at {@code starts}, {@code i64(rank)}, replaced. */
    default Tensor dynamicUpdateSlice(Tensor update, Tensor starts) {
        return self().combine("dynamicUpdateSlice",
            x -> IndexingOps.dynamicUpdateSlice(x.get(0), x.get(1), x.get(2)), update, starts);
    }
}
