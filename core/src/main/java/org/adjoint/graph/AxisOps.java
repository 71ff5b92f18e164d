package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The same elements with other axes: views all of them. Axes may count from the end.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class AxisOps {
    private AxisOps() { }

    /** Axis {@code from} becomes axis {@code to}; the others keep their order. */
    public static Node moveAxis(Node x, int from, int to) {
        int source = x.shape().axis("moveAxis", from);
        int target = x.shape().axis("moveAxis", to);
        List<Integer> order = new ArrayList<>();
        for (int axis = 0; axis < x.shape().rank(); axis++) {
            if (axis != source) {
                order.add(axis);
            }
        }
        order.add(target, source);
        return permute(x, order.stream().mapToInt(Integer::intValue).toArray());
    }

    /** The axes {@code first} to {@code last} as one. */
    public static Node flatten(Node x, int first, int last) {
        if (x.shape().rank() == 0) {
            return reshape(x, Shape.of(1));
        }
        int start = x.shape().axis("flatten", first);
        int end = x.shape().axis("flatten", last);
        if (start > end) {
            throw error("flatten: axis %d of %s lies behind axis %d", first, x.shape(), last);
        }
        long[] extents = new long[x.shape().rank() - (end - start)];
        Arrays.fill(extents, 1);
        for (int axis = 0; axis < x.shape().rank(); axis++) {
            extents[axis <= start ? axis : Math.max(start, axis - (end - start))] *= x.shape().extent(axis);
        }
        return reshape(x, Shape.of(extents));
    }

    /** An axis as several; one extent may be -1: it is what is left. */
    public static Node unflatten(Node x, int axis, long... extents) {
        int resolved = x.shape().axis("unflatten", axis);
        long[] parts = inferred("unflatten", Shape.of(x.shape().extent(resolved)), extents).toArray();
        if (Arrays.stream(parts).reduce(1, (a, b) -> a * b) != x.shape().extent(resolved)) {
            throw error("unflatten: axis %d of %s does not divide into %s", axis, x.shape(), Arrays.toString(extents));
        }
        long[] result = new long[x.shape().rank() - 1 + parts.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = i < resolved ? x.shape().extent(i) : i < resolved + parts.length ? parts[i - resolved]
                : x.shape().extent(i - parts.length + 1);
        }
        return reshape(x, Shape.of(result));
    }

    /** The shape with its one -1, if there is one, replaced so that it has as many elements as {@code source}. */
    public static Shape inferred(String name, Shape source, long... shape) {
        long known = 1;
        int unknown = -1;
        for (int axis = 0; axis < shape.length; axis++) {
            if (shape[axis] != -1) {
                known *= shape[axis];
            } else if (unknown >= 0) {
                throw error("%s: %s has more than one -1", name, Arrays.toString(shape));
            } else {
                unknown = axis;
            }
        }
        if (unknown < 0) {
            return Shape.of(shape);
        }
        if (known <= 0 || source.elements() % known != 0) {
            throw error("%s: %s does not divide into %s", name, source, Arrays.toString(shape));
        }
        long[] extents = shape.clone();
        extents[unknown] = source.elements() / known;
        return Shape.of(extents);
    }

    /** An axis of extent 1 more, at {@code axis} of the result. */
    public static Node unsqueeze(Node x, int axis) {
        int rank = x.shape().rank() + 1;
        int at = axis < 0 ? axis + rank : axis;
        if (at < 0 || at >= rank) {
            throw error("unsqueeze: axis %d is out of range for %s with one axis more: use %d to %d", axis, x.shape(),
                -rank, rank - 1);
        }
        long[] extents = new long[rank];
        for (int i = 0; i < rank; i++) {
            extents[i] = i == at ? 1 : x.shape().extent(i < at ? i : i - 1);
        }
        return reshape(x, Shape.of(extents));
    }

    /** Without axes of extent 1: those named, or all of them where none is. */
    public static Node squeeze(Node x, int... axes) {
        int[] dropped = axes.length == 0 ? allOnes(x.shape()) : resolveAxes("squeeze", x.shape(), axes);
        for (int axis : dropped) {
            if (x.shape().extent(axis) != 1) {
                throw error("squeeze: axis %d of %s has %d elements, not 1", axis, x.shape(), x.shape().extent(axis));
            }
        }
        return reshape(x, x.shape().without(dropped));
    }

    private static int[] allOnes(Shape shape) {
        return IntStream.range(0, shape.rank()).filter(axis -> shape.extent(axis) == 1).toArray();
    }

    /** Broadcasts to a shape, of which an extent of -1 stays what it is. */
    public static Node expand(Node x, long... shape) {
        long[] extents = shape.clone();
        int added = shape.length - x.shape().rank();
        for (int axis = 0; axis < extents.length; axis++) {
            if (extents[axis] == -1 && axis >= added) {
                extents[axis] = x.shape().extent(axis - added);
            }
        }
        return broadcastTo(x, Shape.of(extents));
    }

    /**
     * Coordinates of a grid: of vectors of m, n, ... elements, tensors (m, n, ...), of which number i repeats vector
     * i along all axes but its own ("ij" indexing, matrix order).
     */
    public static List<Node> meshgrid(List<Node> vectors) {
        long[] extents = new long[vectors.size()];
        for (int i = 0; i < extents.length; i++) {
            if (vectors.get(i).shape().rank() != 1) {
                throw error("meshgrid: needs vectors but number %d is %s", i, vectors.get(i).shape());
            }
            extents[i] = vectors.get(i).shape().extent(0);
        }
        List<Node> grids = new ArrayList<>();
        for (int i = 0; i < extents.length; i++) {
            long[] line = new long[extents.length];
            Arrays.fill(line, 1);
            line[i] = extents[i];
            grids.add(broadcastTo(reshape(vectors.get(i), Shape.of(line)), Shape.of(extents)));
        }
        return grids;
    }
}
