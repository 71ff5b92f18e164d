package org.adjoint.plan;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.Op;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;

/**
 * The smallest thing that is scheduled: a kernel, or what an elementwise operation, a copy or a reduction does at each
 * point of a domain.
 */
final class Item {
    /** Position in topological order. */
    final int index;
    /** Null for a copy. A {@link Op.Reduce} computes nothing before it folds. */
    final Op op;
    final List<Operand> inputs;
    final List<Value> outputs;
    /** The shape of all operands; null for kernels. */
    final Shape domain;
    /** Where the result of each point goes in the output; null for kernels. */
    final Layout place;
    /** What results are folded with along the axes where {@link #place} stands still, or null. */
    final ReduceOp reduce;
    /** What has to be written before, or null: the filling of what this item puts a part into. */
    final Item after;
    /** What has to be computed before, or along with this in one group, though it is not read. */
    final List<Item> awaited;
    /** For a scan: the step it becomes, but for its views; else null. */
    final PlanStep.Scan loop;
    /** What it belongs to. */
    Unit unit;
    /** Other units that compute it again for themselves. */
    final List<Unit> copies = new ArrayList<>(0);

    private Item(int index, Op op, List<Operand> inputs, List<Value> outputs, Shape domain, Layout place,
        ReduceOp reduce, Item after, PlanStep.Scan loop) {
        this.index = index;
        this.op = op;
        this.inputs = inputs;
        this.outputs = outputs;
        this.domain = domain;
        this.place = place;
        this.reduce = reduce;
        this.after = after;
        this.awaited = inputs.stream().flatMap(input -> input.after().stream()).toList();
        this.loop = loop;
        for (Operand input : inputs) {
            if (!input.isScalar()) {
                input.value().readers.add(this);
            }
        }
        for (Value output : outputs) {
            output.writers.add(this);
        }
    }

    static Item kernel(int index, Op op, List<Operand> inputs, List<Value> outputs) {
        return new Item(index, op, inputs, outputs, null, null, null, null, null);
    }

    static Item loop(int index, Op.Scan op, List<Operand> inputs, List<Value> outputs, PlanStep.Scan loop) {
        return new Item(index, op, inputs, outputs, null, null, null, null, loop);
    }

    static Item point(int index, Op op, List<Operand> inputs, Value output) {
        Shape domain = inputs.getFirst().shape();
        return new Item(index, op, inputs, List.of(output), domain, Layout.contiguous(domain), null, null, null);
    }

    /** A copy of {@code input} to a part of {@code output}, after item {@code after} if that is not null. */
    static Item copy(int index, Operand input, Value output, Layout place, Item after) {
        return new Item(index, null, List.of(input), List.of(output), input.shape(), place, null, after, null);
    }

    static Item reduction(int index, Op.Reduce op, Operand input, Value output) {
        long[] kept = output.type.shape().contiguousStrides();
        long[] strides = new long[input.shape().rank()];
        int next = 0;
        for (int axis = 0; axis < strides.length; axis++) {
            strides[axis] = op.axes().contains(axis) ? 0 : kept[next++];
        }
        Layout place = new Layout(input.shape(), strides, 0);
        return new Item(index, op, List.of(input), List.of(output), input.shape(), place, op.function(), null, null);
    }

    boolean isKernel() {
        return domain == null;
    }

    /** Whether it computes nothing: the value goes on as it is. */
    boolean isCopy() {
        return op == null || op instanceof Op.Reduce;
    }

    Value output() {
        return outputs.getFirst();
    }

    /** Whether axis {@code axis} of the domain is folded. */
    boolean folds(int axis) {
        return op instanceof Op.Reduce reduce && reduce.axes().contains(axis);
    }

    /** Short name for notes. */
    String name() {
        return op == null ? "a copy" : op.name();
    }
}
