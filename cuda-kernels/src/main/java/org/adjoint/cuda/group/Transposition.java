package org.adjoint.cuda.group;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.adjoint.cuda.kernel.Axes;
import org.adjoint.cuda.launch.Argument;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.Shape;
import org.adjoint.plan.View;

/**
 * A copy as a loop: axes of extent 1 dropped, ordered by the target's strides, and merged where source and target walk
 * them as one.
 */
record Transposition(View source, View target) {
    /** A tile's side, {@code TILE} in {@code transpose.cu}. */
    private static final int TILE = 32;
    private static final int DEPTH = 8;
    /** Shorter axes would leave most of a tile empty. */
    private static final int LEAST_EXTENT = TILE / 2;
    /** {@code MAX_AXES} in {@code axes.cuh}. */
    private static final int MOST_AXES = 16;

    /** Of views of one shape, which is not empty. */
    static Transposition of(View source, View target) {
        if (!source.shape().equals(target.shape()) || source.dtype() != target.dtype()) {
            throw new IllegalArgumentException("a copy of " + source + " to " + target);
        }
        Shape shape = source.shape();
        List<Integer> order = new ArrayList<>();
        for (int axis = 0; axis < shape.rank(); axis++) {
            if (shape.extent(axis) != 1) {
                order.add(axis);
            }
        }
        order.sort(Comparator.comparing(axis -> -Math.abs(target.strides()[axis])));
        List<long[]> axes = new ArrayList<>();
        for (int axis : order) {
            long[] next = {shape.extent(axis), source.strides()[axis], target.strides()[axis]};
            long[] last = axes.isEmpty() ? null : axes.getLast();
            if (last != null && last[1] == next[0] * next[1] && last[2] == next[0] * next[2]) {
                axes.set(axes.size() - 1, new long[] {last[0] * next[0], next[1], next[2]});
            } else {
                axes.add(next);
            }
        }
        if (axes.isEmpty()) {
            axes.add(new long[] {1, 1, 1});
        }
        Shape merged = Shape.of(column(axes, 0));
        return new Transposition(new View(source.slot(), source.dtype(), merged, column(axes, 1), source.offset()),
            new View(target.slot(), target.dtype(), merged, column(axes, 2), target.offset()));
    }

    private static long[] column(List<long[]> axes, int i) {
        return axes.stream().mapToLong(axis -> axis[i]).toArray();
    }

    /** Whether bytes of one range go to another in order. */
    boolean isOneRange() {
        return source.shape().rank() == 1 && source.strides()[0] == 1 && target.strides()[0] == 1;
    }

    /** The axis along which the source is contiguous while the target is along its last, or -1. */
    private int rows() {
        int columns = target.shape().rank() - 1;
        if (columns >= MOST_AXES || target.strides()[columns] != 1 || source.strides()[columns] == 1
            || target.shape().extent(columns) < LEAST_EXTENT) {
            return -1;
        }
        for (int axis = 0; axis < columns; axis++) {
            if (source.strides()[axis] == 1 && source.shape().extent(axis) >= LEAST_EXTENT) {
                return axis;
            }
        }
        return -1;
    }

    /** Whether tiles serve it: {@link #launch}. */
    boolean isTiled() {
        return rows() >= 0;
    }

    /** The kernel {@code transpose}. */
    Launch launch() {
        int rows = rows();
        int columns = target.shape().rank() - 1;
        int side = side(rows, columns);
        long rowUnits = target.shape().extent(rows) / side;
        long columnUnits = target.shape().extent(columns) / side;
        long[] outer = IntStream.range(0, columns).filter(axis -> axis != rows).mapToLong(axis -> axis).toArray();
        long[] extents = LongStream.of(outer).map(axis -> target.shape().extent((int) axis)).toArray();
        long blocks = Math.ceilDiv(rowUnits, TILE) * Math.ceilDiv(columnUnits, TILE)
            * LongStream.of(extents).reduce(1, (a, b) -> a * b);
        Argument axes = Axes.of("a copy", extents,
            LongStream.of(outer).map(axis -> source.strides()[(int) axis]).toArray(),
            LongStream.of(outer).map(axis -> target.strides()[(int) axis]).toArray()).argument();
        String type = switch (source.dtype().bytes()) {
            case 1 -> "u8";
            case 2 -> "f16";
            case 4 -> "i32";
            default -> "i64";
        };
        return new Launch(Source.ofFile("transpose.cu", Map.of("T", type, "SIDE", Integer.toString(side))),
            "transpose_" + type, blocks, 1, 1, TILE, DEPTH, 0, List.of(Argument.of(source), Argument.of(target),
                Argument.of(rowUnits), Argument.of(columnUnits), Argument.of(source.strides()[columns]),
                Argument.of(target.strides()[rows]), axes));
    }

    /** Elements that a thread moves at once: of 4 or 8 bytes where all of them start at multiples of so many. */
    private int side(int rows, int columns) {
        int side = switch (source.dtype().bytes()) {
            case 1 -> 4;
            case 2, 4 -> 2;
            default -> 1;
        };
        long distances = target.shape().extent(rows) | target.shape().extent(columns) | source.offset()
            | target.offset();
        for (int axis = 0; axis <= columns; axis++) {
            distances |= axis == rows ? 0 : source.strides()[axis];
            distances |= axis == columns ? 0 : target.strides()[axis];
        }
        return distances % side == 0 ? side : 1;
    }
}
