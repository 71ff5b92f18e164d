package org.adjoint;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.adjoint.graph.AxisOps;
import org.adjoint.graph.MovementOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.PadMode;
import org.adjoint.graph.Shape;

/** Other arrangements of the elements of a {@link Tensor}: views where that is possible. */
public sealed interface MovementMethods permits Tensor {
    private Tensor self() {
        return (Tensor) this;
    }

    private List<Tensor> parts(String op, Function<Node, List<Node>> function) {
        Node x = self().operand(op);
        return Words.of(op, () -> function.apply(x)).stream().map(part -> self().result(op, part)).toList();
    }

    // Shape

    /** One extent may be -1: it is what is left. */
    default Tensor reshape(long... shape) {
        return self().map("reshape", x -> Ops.reshape(x, AxisOps.inferred("reshape", x.shape(), shape)));
    }

    /** One axis. */
    default Tensor flatten() {
        return flatten(0, -1);
    }

    /** The axes {@code first} to {@code last} as one. */
    default Tensor flatten(int first, int last) {
        return self().map("flatten", x -> AxisOps.flatten(x, first, last));
    }

    /** An axis as several; one extent may be -1: it is what is left. */
    default Tensor unflatten(int axis, long... extents) {
        return self().map("unflatten", x -> AxisOps.unflatten(x, axis, extents));
    }

    /** Adds an axis of extent 1. */
    default Tensor unsqueeze(int axis) {
        return self().map("unsqueeze", x -> AxisOps.unsqueeze(x, axis));
    }

    /** Drops axes of extent 1: those named, or all of them where none is. */
    default Tensor squeeze(int... axes) {
        return self().map("squeeze", x -> AxisOps.squeeze(x, axes));
    }

    default Tensor permute(int... axes) {
        return self().map("permute", x -> Ops.permute(x, axes));
    }

    /** Swaps the last two axes. */
    default Tensor transpose() {
        return self().map("transpose", Ops::transpose);
    }

    default Tensor transpose(int axis1, int axis2) {
        return self().map("transpose", x -> Ops.transpose(x, axis1, axis2));
    }

    /** As {@link #transpose(int, int)}. */
    default Tensor swapAxes(int axis1, int axis2) {
        return self().map("swapAxes", x -> Ops.transpose(x, axis1, axis2));
    }

    /** Axis {@code from} becomes axis {@code to}; the others keep their order. */
    default Tensor moveAxis(int from, int to) {
        return self().map("moveAxis", x -> AxisOps.moveAxis(x, from, to));
    }

    /** Broadcasts to a shape, of which an extent of -1 stays what it is. */
    default Tensor expand(long... shape) {
        return self().map("expand", x -> AxisOps.expand(x, shape));
    }

    /** Broadcasts to the shape of another tensor. */
    default Tensor expandAs(Tensor other) {
        return self().map("expandAs", x -> Ops.broadcastTo(x, other.shape()));
    }

    // Parts

    /** Elements [start, end) of one axis; both may count from the end, and must lie inside. */
    default Tensor slice(int axis, long start, long end) {
        return self().map("slice", x -> Ops.slice(x, axis, start, end));
    }

    /**
     * Every {@code step}-th element of [start, end) of one axis, both of which may count from the end and must lie
     * inside; for a negative step those of [start, end), from the last one backwards.
     */
    default Tensor slice(int axis, long start, long end, long step) {
        return self().map("slice", x -> sliced(Ops.slice(x, axis, start, end), x.shape().axis("slice", axis),
            Slice.all().step(step)));
    }

    private static Node sliced(Node x, int axis, Slice slice) {
        Slice[] slices = new Slice[axis + 1];
        Arrays.fill(slices, Slice.all());
        slices[axis] = slice;
        return sliced(x, slices);
    }

    /** {@code x[slices[0], slices[1], ...]} with Python's meaning; axes that are not named are taken whole. */
    default Tensor slice(Slice... slices) {
        return self().map("slice", x -> sliced(x, slices));
    }

    private static Node sliced(Node x, Slice... slices) {
        Shape shape = x.shape();
        if (slices.length > shape.rank()) {
            throw new IllegalArgumentException("slice: " + shape + " has fewer axes than " + Arrays.toString(slices));
        }
        Long[] starts = new Long[shape.rank()];
        Long[] steps = new Long[shape.rank()];
        Arrays.fill(starts, 0L);
        Arrays.fill(steps, 1L);
        long[] extents = shape.toArray();
        for (int axis = 0; axis < slices.length; axis++) {
            extents[axis] = slices[axis].count(axis, shape.extent(axis));
            starts[axis] = slices[axis].first(axis, shape.extent(axis));
            steps[axis] = extents[axis] > 1 ? slices[axis].step() : 1;
        }
        Node taken = Ops.slice(x, List.of(starts), List.of(steps), Shape.of(extents));
        int[] dropped = IntStream.range(0, slices.length).filter(axis -> slices[axis].isIndex()).toArray();
        return Ops.reshape(taken, taken.shape().without(dropped));
    }

    /** {@code length} elements of one axis from {@code start} on. */
    default Tensor narrow(int axis, long start, long length) {
        return self().map("narrow", x -> {
            long extent = x.shape().extent(x.shape().axis("narrow", axis));
            long first = start < 0 ? start + extent : start;
            if (first < 0 || length < 0 || length > extent - first) {
                throw new IllegalArgumentException("narrow: " + length + " elements from " + start
                    + " on are not all in axis "
                    + axis + " of " + x.shape());
            }
            return Ops.slice(x, axis, first, first + length);
        });
    }

    /** Parts of {@code size} elements of an axis, the last one perhaps smaller. */
    default List<Tensor> split(int axis, long size) {
        return parts("split", x -> MovementOps.splitEvenly(x, axis, size));
    }

    /** Consecutive parts of an axis, whose extents must add up to its. */
    default List<Tensor> split(int axis, long... extents) {
        return parts("split", x -> MovementOps.split(x, axis, extents));
    }

    /** At most {@code count} parts of an axis, of one size but for the last. */
    default List<Tensor> chunk(int axis, long count) {
        return parts("chunk", x -> MovementOps.chunk(x, axis, count));
    }

    /** The slices along an axis, without it. */
    default List<Tensor> unbind(int axis) {
        return parts("unbind", x -> MovementOps.unbind(x, axis));
    }

    // Order, padding, repetition

    default Tensor flip(int... axes) {
        return self().map("flip", x -> Ops.flip(x, axes));
    }

    /**
     * In row-major order, elements that leave at the end come back in at the start; a negative shift goes the other
     * way.
     */
    default Tensor roll(long shift) {
        return self().map("roll", x -> Ops.reshape(
            MovementOps.roll(Ops.reshape(x, Shape.of(x.shape().elements())), shift, 0), x.shape()));
    }

    /** Elements that leave an axis at its end come back in at its start; a negative shift goes the other way. */
    default Tensor roll(long shift, int axis) {
        return self().map("roll", x -> MovementOps.roll(x, shift, axis));
    }

    /** {@code low} elements of {@code value} in front of an axis and {@code high} behind it; negative ones cut off. */
    default Tensor pad(int axis, long low, long high, double value) {
        return self().map("pad", x -> MovementOps.pad(x, value, onAxis(x, axis, low, high)));
    }

    /** {@code low} elements in front of an axis and {@code high} behind it, taken from the tensor as the mode says. */
    default Tensor pad(int axis, long low, long high, PadMode mode) {
        return self().map("pad", x -> MovementOps.pad(x, mode, onAxis(x, axis, low, high)));
    }

    private static long[][] onAxis(Node x, int axis, long low, long high) {
        long[][] widths = new long[x.shape().rank()][2];
        widths[x.shape().axis("pad", axis)] = new long[] {low, high};
        return widths;
    }

    /**
     * {@code widths[axis][0]} elements of {@code value} in front of each axis and {@code widths[axis][1]} behind it;
     * negative ones cut off.
     */
    default Tensor pad(long[][] widths, double value) {
        return self().map("pad", x -> MovementOps.pad(x, value, widths));
    }

    /** As {@link #pad(long[][], double)} with elements taken from the tensor as the mode says. */
    default Tensor pad(long[][] widths, PadMode mode) {
        return self().map("pad", x -> MovementOps.pad(x, mode, widths));
    }

    /**
     * This tensor {@code counts[i]} times along axis i of the result; axes are added in front where there are more
     * counts.
     */
    default Tensor repeat(long... counts) {
        return self().map("repeat", x -> MovementOps.repeat(x, counts));
    }

    /** As {@link #repeat}; where there are fewer counts than axes, the first axes are taken once. */
    default Tensor tile(long... counts) {
        return self().map("tile", x -> MovementOps.tile(x, counts));
    }

    /** Each element of an axis {@code count} times in a row. */
    default Tensor repeatInterleave(int axis, long count) {
        return self().map("repeatInterleave", x -> MovementOps.repeatInterleave(x, axis, count));
    }

    // Matrices: the last two axes, unless told

    /** Zeros above the main diagonal. */
    default Tensor tril() {
        return tril(0);
    }

    /** Zeros above a diagonal: 0 is the main one, 1 the one above it. */
    default Tensor tril(long offset) {
        return self().map("tril", x -> MovementOps.tril(x, offset));
    }

    /** Zeros below the main diagonal. */
    default Tensor triu() {
        return triu(0);
    }

    /** Zeros below a diagonal: 0 is the main one, 1 the one above it. */
    default Tensor triu(long offset) {
        return self().map("triu", x -> MovementOps.triu(x, offset));
    }

    /** The main diagonals of the last two axes, as the last axis. */
    default Tensor diagonal() {
        return diagonal(0, -2, -1);
    }

    /** The diagonals of two axes, as the last axis: a view of a tensor in which these are contiguous. */
    default Tensor diagonal(long offset, int rows, int columns) {
        return self().map("diagonal", x -> MovementOps.diagonal(x, offset, rows, columns));
    }

    /** Matrices with the last axis on their main diagonal, and zeros else. */
    default Tensor diagonalEmbed() {
        return diagonalEmbed(0, -2, -1);
    }

    /** Matrices, along two axes of the result, with the last axis on a diagonal, and zeros else. */
    default Tensor diagonalEmbed(long offset, int rows, int columns) {
        return self().map("diagonalEmbed", x -> MovementOps.diagonalEmbed(x, offset, rows, columns));
    }

    /** The main diagonal of a matrix, or the matrix that has a vector there. */
    default Tensor diag() {
        return diag(0);
    }

    /** A diagonal of a matrix, or the matrix that has a vector there. */
    default Tensor diag(long offset) {
        return self().map("diag", x -> MovementOps.diag(x, offset));
    }

    /** The sum of the main diagonal of a matrix. */
    default Tensor trace() {
        return self().map("trace", MovementOps::trace);
    }
}
