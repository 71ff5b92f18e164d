package org.adjoint.plan;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.TensorType;

/** A tensor that may get memory of its own, where it lies contiguous. */
final class Value {
    /** In arena memory, if anywhere. */
    static final int ARENA = -1;

    final TensorType type;
    /** What writes it: nothing for a leaf, several items for one that is put together from parts. */
    final List<Item> writers = new ArrayList<>();
    /** What reads it, once per operand. */
    final List<Item> readers = new ArrayList<>();
    /** The external slot that it lies in, or {@link #ARENA}. */
    int home = ARENA;
    /** Whether it has to be in memory, whoever reads it: a result, or the value of a store. */
    boolean pinned;
    /** Whether it is in memory at all, rather than inside a group alone. */
    boolean stored;

    Value(TensorType type) {
        this.type = type;
    }

    /** The elementwise item that computes all of it point by point, so that a group can pass it on; else null. */
    Item point() {
        Item writer = writers.size() == 1 ? writers.getFirst() : null;
        return writer != null && !writer.isKernel() && writer.reduce == null
            && writer.place.isContiguousFromStart() && writer.place.shape().elements() == type.shape().elements()
            ? writer : null;
    }
}
