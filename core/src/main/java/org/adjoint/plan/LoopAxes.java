package org.adjoint.plan;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;

/** The loops of a group: ordered by how memory lies, reduced ones last, and merged where all operands allow it. */
final class LoopAxes {
    /** How an operand moves through memory along each axis of the domain, in the domain's order. */
    record Walk(long[] strides, long offset) { }

    private final Domain domain;
    private final long[] domainExtents;
    private final boolean[] folded;
    /** What is left: runs of domain axes that became one loop, outermost first, each named by its innermost axis. */
    private final List<Integer> loops = new ArrayList<>();
    private final List<Long> extents = new ArrayList<>();
    private int reduced;

    private LoopAxes(Domain domain, long[] domainExtents, boolean[] folded) {
        this.domain = domain;
        this.domainExtents = domainExtents;
        this.folded = folded;
    }

    static LoopAxes of(Task task) {
        Domain domain = task.unit.domain;
        if (domain == null) {
            return ofEmpty(task.lines.getFirst());
        }
        long[] extents = new long[domain.axes()];
        for (int axis = 0; axis < extents.length; axis++) {
            extents[axis] = domain.extent(axis);
        }
        boolean reduces = task.writers.stream().anyMatch(item -> item.reduce != null);
        return new LoopAxes(domain, extents, reduces ? domain.folded() : new boolean[extents.length]);
    }

    /** A reduction of nothing, whose domain has no order of points: its axes as they are. */
    private static LoopAxes ofEmpty(Item item) {
        int rank = item.domain.rank();
        long[] extents = new long[rank];
        boolean[] folded = new boolean[rank];
        for (int axis = 0; axis < rank; axis++) {
            extents[axis] = item.domain.extent(rank - 1 - axis);
            folded[axis] = item.folds(rank - 1 - axis);
        }
        return new LoopAxes(null, extents, folded);
    }

    /** Strides along the domain's axes, the innermost first. */
    Walk walk(Layout layout) {
        if (domain != null) {
            return new Walk(domain.strides(layout), layout.offset());
        }
        long[] strides = new long[domainExtents.length];
        for (int axis = 0; axis < strides.length; axis++) {
            strides[axis] = layout.strides()[strides.length - 1 - axis];
        }
        return new Walk(strides, layout.offset());
    }

    /** Decides on the loops. */
    void arrange(List<Walk> reads, List<Walk> writes) {
        List<Walk> walks = new ArrayList<>(reads);
        walks.addAll(writes);
        List<Integer> order = new ArrayList<>();
        for (boolean fold : new boolean[] {false, true}) {
            int start = order.size();
            for (int axis = domainExtents.length - 1; axis >= 0; axis--) {
                if (folded[axis] == fold) {
                    order.add(axis);
                    sink(order, start, walks);
                }
            }
        }
        for (int axis : order) {
            int last = loops.size() - 1;
            if (last >= 0 && mergeable(loops.get(last), axis, walks)) {
                loops.set(last, axis);
                extents.set(last, extents.get(last) * domainExtents[axis]);
            } else {
                loops.add(axis);
                extents.add(domainExtents[axis]);
                reduced += folded[axis] ? 1 : 0;
            }
        }
    }

    /** Moves the last axis outwards past those that most operands step through in smaller strides. */
    private static void sink(List<Integer> order, int start, List<Walk> walks) {
        for (int i = order.size() - 1; i > start; i--) {
            int outer = order.get(i - 1);
            int inner = order.get(i);
            int votes = 0;
            for (Walk walk : walks) {
                long strideOuter = Math.abs(walk.strides[outer]);
                long strideInner = Math.abs(walk.strides[inner]);
                if (strideOuter != 0 && strideInner != 0) {
                    votes += strideInner > strideOuter ? 1 : -1;
                }
            }
            if (votes <= 0) {
                return;
            }
            order.set(i - 1, inner);
            order.set(i, outer);
        }
    }

    /** A kept and a reduced axis never are: the result stands still along one and not along the other. */
    private boolean mergeable(int outer, int inner, List<Walk> walks) {
        return walks.stream().allMatch(walk -> walk.strides[outer] == walk.strides[inner] * domainExtents[inner]);
    }

    /** At least one. */
    long[] extents() {
        return extents.isEmpty() ? new long[] {1} : extents.stream().mapToLong(Long::longValue).toArray();
    }

    /** How many trailing loops are reduced. */
    int reduced() {
        return reduced;
    }

    View view(Walk walk, int slot, DType dtype) {
        long[] strides = new long[Math.max(1, loops.size())];
        for (int i = 0; i < loops.size(); i++) {
            strides[i] = walk.strides[loops.get(i)];
        }
        return new View(slot, dtype, Shape.of(extents()), strides, walk.offset);
    }
}
