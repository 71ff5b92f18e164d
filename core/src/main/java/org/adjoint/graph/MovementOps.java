package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Arrangements of elements made of views, padding and concatenation. Axes may count from the end.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class MovementOps {
    /** More parts of a tensor than these are a mistake, and would not fit the heap. */
    private static final int MOST_PARTS = 1 << 24;

    private MovementOps() { }

    // Padding

    /**
     * {@code widths[axis][0]} elements of {@code value} in front of each axis and {@code widths[axis][1]} behind it;
     * negative widths cut elements off.
     */
    public static Node pad(Node x, double value, long[][] widths) {
        requirePairs(x, widths);
        Node cut = x;
        long[] low = new long[widths.length];
        Shape shape = x.shape();
        for (int axis = 0; axis < widths.length; axis++) {
            long extent = x.shape().extent(axis);
            long front = Math.min(0, widths[axis][0]);
            long behind = Math.min(0, widths[axis][1]);
            if (front < -extent || behind < -extent - front) {
                throw error("pad: axis %d of %s has too few elements to cut off %s and %s", axis, x.shape(),
                    Long.toUnsignedString(-front), Long.toUnsignedString(-behind));
            }
            cut = slice(cut, axis, -front, extent + behind);
            low[axis] = Math.max(0, widths[axis][0]);
            long high = Math.max(0, widths[axis][1]);
            shape = shape.with(axis, sum("pad", sum("pad", extent + front + behind, low[axis]), high));
        }
        return Ops.pad(cut, low, new long[low.length], shape, constant(x.dtype(), value));
    }

    /** As {@link #pad(Node, double, long[][])} with elements of x; widths must not be negative. */
    public static Node pad(Node x, PadMode mode, long[][] widths) {
        requirePairs(x, widths);
        Node padded = x;
        for (int axis = 0; axis < widths.length; axis++) {
            long extent = x.shape().extent(axis);
            for (long width : widths[axis]) {
                if (width < 0 || width > mode.most(extent)) {
                    Object most = mode.most(extent) == Long.MAX_VALUE ? "any" : mode.most(extent);
                    throw error("pad: %s padding of axis %d of %s must be 0 to %s elements wide but is %d",
                        mode.text(), axis, x.shape(), most, width);
                }
            }
            padded = pad(padded, mode, axis, widths[axis][0], widths[axis][1]);
        }
        return padded;
    }

    private static Node pad(Node x, PadMode mode, int axis, long low, long high) {
        long extent = x.shape().extent(axis);
        List<Node> parts = new ArrayList<>();
        if (low > 0) {
            parts.add(switch (mode) {
                case REFLECT -> flip(slice(x, axis, 1, low + 1), axis);
                case REPLICATE -> broadcastTo(slice(x, axis, 0, 1), x.shape().with(axis, low));
                case CIRCULAR -> slice(x, axis, extent - low, extent);
            });
        }
        parts.add(x);
        if (high > 0) {
            parts.add(switch (mode) {
                case REFLECT -> flip(slice(x, axis, extent - 1 - high, extent - 1), axis);
                case REPLICATE -> broadcastTo(slice(x, axis, extent - 1, extent), x.shape().with(axis, high));
                case CIRCULAR -> slice(x, axis, 0, high);
            });
        }
        return concat(axis, parts);
    }

    private static void requirePairs(Node x, long[][] widths) {
        boolean pairs = widths.length == x.shape().rank();
        for (long[] pair : widths) {
            pairs &= pair.length == 2;
        }
        if (!pairs) {
            throw error("pad: %s needs a pair of widths, in front and behind, for each of its %d axes but got %s",
                x.shape(), x.shape().rank(), Arrays.deepToString(widths));
        }
    }

    /** Elements that leave an axis at its end come back in at its start; a negative shift goes the other way. */
    public static Node roll(Node x, long shift, int axis) {
        int resolved = x.shape().axis("roll", axis);
        long extent = x.shape().extent(resolved);
        long front = extent == 0 ? 0 : Math.floorMod(shift, extent);
        return front == 0 ? x : concat(resolved,
            List.of(slice(x, resolved, extent - front, extent), slice(x, resolved, 0, extent - front)));
    }

    /** Tensors of one shape along a new axis, at {@code axis} of the result. */
    public static Node stack(int axis, List<Node> tensors) {
        for (Node tensor : tensors) {
            if (!tensor.shape().equals(tensors.getFirst().shape())) {
                throw error("stack: %s and %s must have one shape", tensors.getFirst().shape(), tensor.shape());
            }
        }
        return Ops.concat(axis, tensors.stream().map(tensor -> AxisOps.unsqueeze(tensor, axis)).toList());
    }

    // Parts

    /** Consecutive parts of an axis; their extents must add up to its. */
    public static List<Node> split(Node x, int axis, long... extents) {
        int resolved = x.shape().axis("split", axis);
        long left = x.shape().extent(resolved);
        for (long extent : extents) {
            left = extent < 0 || extent > left ? -1 : left - extent;
        }
        if (left != 0) {
            throw error("split: parts of %s must not be negative and must add up to axis %d of %s",
                Arrays.toString(extents), axis, x.shape());
        }
        List<Node> parts = new ArrayList<>();
        long start = 0;
        for (long extent : extents) {
            parts.add(slice(x, resolved, start, start + extent));
            start += extent;
        }
        return parts;
    }

    /** Parts of {@code size} elements of an axis, the last one perhaps smaller; one empty part of an empty axis. */
    public static List<Node> splitEvenly(Node x, int axis, long size) {
        int resolved = x.shape().axis("split", axis);
        if (size < 1) {
            throw error("split: parts must have at least one element but the size is %d", size);
        }
        long extent = x.shape().extent(resolved);
        long[] extents = new long[requireFew("split", x, axis, Math.max(1, Math.ceilDiv(extent, size)))];
        Arrays.fill(extents, size);
        extents[extents.length - 1] = extent - (extents.length - 1) * size;
        return split(x, resolved, extents);
    }

    /** At most {@code count} parts of an axis, of one size but for the last. */
    public static List<Node> chunk(Node x, int axis, long count) {
        int resolved = x.shape().axis("chunk", axis);
        if (count < 1) {
            throw error("chunk: there must be at least one part but the count is %d", count);
        }
        return splitEvenly(x, resolved, Math.max(1, Math.ceilDiv(x.shape().extent(resolved), count)));
    }

    /** The slices along an axis, without it. */
    public static List<Node> unbind(Node x, int axis) {
        int resolved = x.shape().axis("unbind", axis);
        int count = requireFew("unbind", x, axis, x.shape().extent(resolved));
        List<Node> slices = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            slices.add(reshape(slice(x, resolved, i, i + 1), x.shape().without(resolved)));
        }
        return slices;
    }

    private static int requireFew(String op, Node x, int axis, long parts) {
        if (parts > MOST_PARTS) {
            throw error("%s: axis %d of %s would give %d parts, more than %d", op, axis, x.shape(), parts, MOST_PARTS);
        }
        return (int) parts;
    }

    // Repetition

    /** x, {@code counts[i]} times along axis i of the result; axes are added in front where there are more counts. */
    public static Node repeat(Node x, long... counts) {
        int added = counts.length - x.shape().rank();
        if (added < 0) {
            throw error("repeat: %s needs a count for each axis but got %s: tile takes fewer", x.shape(),
                Arrays.toString(counts));
        }
        requireCounts("repeat", counts);
        long[] apart = new long[2 * counts.length];
        long[] expanded = new long[2 * counts.length];
        long[] joined = new long[counts.length];
        for (int axis = 0; axis < counts.length; axis++) {
            long extent = axis < added ? 1 : x.shape().extent(axis - added);
            apart[2 * axis] = 1;
            apart[2 * axis + 1] = extent;
            expanded[2 * axis] = counts[axis];
            expanded[2 * axis + 1] = extent;
            joined[axis] = product("repeat", counts[axis], extent);
        }
        return reshape(broadcastTo(reshape(x, Shape.of(apart)), Shape.of(expanded)), Shape.of(joined));
    }

    private static void requireCounts(String op, long... counts) {
        if (Arrays.stream(counts).anyMatch(count -> count < 0)) {
            throw error("%s: counts must not be negative but are %s", op, Arrays.toString(counts));
        }
    }

    /** As {@link #repeat}; where there are fewer counts than axes, the first axes are taken once. */
    public static Node tile(Node x, long... counts) {
        requireCounts("tile", counts);
        long[] all = new long[Math.max(counts.length, x.shape().rank())];
        Arrays.fill(all, 1);
        System.arraycopy(counts, 0, all, all.length - counts.length, counts.length);
        return repeat(x, all);
    }

    /** Each element of an axis {@code count} times in a row. */
    public static Node repeatInterleave(Node x, int axis, long count) {
        int resolved = x.shape().axis("repeatInterleave", axis);
        if (count < 0) {
            throw error("repeatInterleave: the count must not be negative but is %d", count);
        }
        Node column = AxisOps.unsqueeze(x, resolved + 1);
        Shape expanded = column.shape().with(resolved + 1, count);
        return reshape(broadcastTo(column, expanded), x.shape().with(resolved,
            product("repeatInterleave", x.shape().extent(resolved), count)));
    }

    // Matrices: the last two axes, unless told

    /** Zeros above diagonal {@code offset}: 0 is the main one, 1 the one above it. */
    public static Node tril(Node x, long offset) {
        return where(isAbove("tril", x, offset), zerosLike(x), x);
    }

    /** Zeros below diagonal {@code offset}. */
    public static Node triu(Node x, long offset) {
        return where(isAbove("triu", x, offset - 1), x, zerosLike(x));
    }

    private static Node isAbove(String name, Node x, long offset) {
        int rank = x.shape().rank();
        requireMatrices(name, x);
        long rows = x.shape().extent(rank - 2);
        long columns = x.shape().extent(rank - 1);
        // Beyond its corners a matrix has no diagonals. Narrow numbers take fewer vectors.
        long diagonal = Math.clamp(offset, -rows, columns);
        DType dtype = rows + columns < Integer.MAX_VALUE ? DType.I32 : DType.I64;
        Node row = add(reshape(iota(dtype, rows), Shape.of(rows, 1)), constant(dtype, diagonal));
        return greaterThan(iota(dtype, columns), row);
    }

    private static void requireMatrices(String name, Node x) {
        if (x.shape().rank() < 2) {
            throw error("%s: needs at least two axes but x is %s", name, x.shape());
        }
    }

    /**
     * The diagonal of each matrix of the axes {@code rows} and {@code columns}, which become the last axis of the
     * result.
     */
    public static Node diagonal(Node x, long offset, int rows, int columns) {
        requireMatrices("diagonal", x);
        Node matrices = lastAxes("diagonal", x, rows, columns);
        int rank = x.shape().rank();
        long height = matrices.shape().extent(rank - 2);
        long width = matrices.shape().extent(rank - 1);
        long extent = Math.max(0, Math.min(height + Math.min(0, offset), width - Math.max(0, offset)));
        Shape batch = matrices.shape().without(rank - 2, rank - 1);
        Node flat = reshape(matrices, trailing(batch, height * width));
        long[] starts = new long[rank - 1];
        long[] steps = new long[rank - 1];
        Arrays.fill(steps, 1);
        starts[rank - 2] = extent == 0 ? 0 : Math.max(0, offset) + Math.max(0, -offset) * width;
        steps[rank - 2] = width + 1;
        return slice(flat, Op.longs(starts), Op.longs(steps), trailing(batch, extent));
    }

    /**
     * Matrices, along the axes {@code rows} and {@code columns} of the result, with x's last axis on a diagonal and 0
     * else.
     */
    public static Node diagonalEmbed(Node x, long offset, int rows, int columns) {
        int rank = x.shape().rank();
        if (rank == 0) {
            throw error("diagonalEmbed: needs at least one axis but x is a scalar");
        }
        long extent = x.shape().extent(rank - 1);
        if (offset == Long.MIN_VALUE) {
            throw error("diagonalEmbed: there is no diagonal %d", offset);
        }
        long side = sum("diagonalEmbed", extent, Math.abs(offset));
        Shape batch = x.shape().without(rank - 1);
        Shape shape = matrix(batch, side, side);
        long[] low = new long[rank];
        long[] interior = new long[rank];
        low[rank - 1] = extent == 0 ? 0 : Math.max(0, offset) + Math.max(0, -offset) * side;
        interior[rank - 1] = side;
        Node flat = Ops.pad(x, low, interior, trailing(batch, product("diagonalEmbed", side, side)), zeroOf(x.dtype()));
        Node matrices = reshape(flat, shape);
        int[] order = lastAxesOrder("diagonalEmbed", matrices.shape(), rows, columns);
        int[] inverse = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            inverse[order[i]] = i;
        }
        return permute(matrices, inverse);
    }

    /** The diagonal of a matrix, or the matrix with a vector on that diagonal. */
    public static Node diag(Node x, long offset) {
        return switch (x.shape().rank()) {
            case 1 -> diagonalEmbed(x, offset, -2, -1);
            case 2 -> diagonal(x, offset, -2, -1);
            default -> throw error("diag: needs a vector or a matrix but x is %s: see diagonal and diagonalEmbed",
                x.shape());
        };
    }

    /** The sum of the main diagonal of a matrix. */
    public static Node trace(Node x) {
        if (x.shape().rank() != 2) {
            throw error("trace: needs a matrix but x is %s: of several, sum diagonal() along its last axis", x.shape());
        }
        return sum(ReductionOps.countable(diagonal(x, 0, 0, 1)));
    }

    private static Shape trailing(Shape batch, long extent) {
        return batch.withTrailingOne().with(batch.rank(), extent);
    }

    private static int[] lastAxesOrder(String name, Shape shape, int first, int second) {
        int[] last = {shape.axis(name, first), shape.axis(name, second)};
        if (last[0] == last[1]) {
            throw error("%s: axis %d is named twice", name, second);
        }
        int[] order = new int[shape.rank()];
        int next = 0;
        for (int axis = 0; axis < order.length; axis++) {
            if (axis != last[0] && axis != last[1]) {
                order[next++] = axis;
            }
        }
        order[next] = last[0];
        order[next + 1] = last[1];
        return order;
    }

    private static Node lastAxes(String name, Node x, int first, int second) {
        return permute(x, lastAxesOrder(name, x.shape(), first, second));
    }
}
