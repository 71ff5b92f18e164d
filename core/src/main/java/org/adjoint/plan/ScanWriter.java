package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * Plans a scan: its body becomes a plan of its own, whose memory lies in that of the whole, and its results become
 * values that each iteration writes a part of. Stacks are padded, so that a part is aligned like any tensor.
 *
 * <p>A carry that is stacked too is written there alone, where the next iteration reads it. Others change between two
 * places.
 */
final class ScanWriter {
    private final ScanParts parts;
    private final Items items;
    private final Target target;
    private final List<Operand> inputs = new ArrayList<>();
    private final List<Value> outputs = new ArrayList<>();
    /** The body's parameters, as bindings of its plan. */
    private final List<Node> leaves = new ArrayList<>();
    private final List<PlanStep.Binding> leafBindings = new ArrayList<>();
    /** What the body's plan computes. */
    private final List<Node> results = new ArrayList<>();
    private final List<PlanStep.Binding> resultBindings = new ArrayList<>();
    private final Map<Node, Integer> stacks = new HashMap<>();
    private final Operand[] operands;
    private long scratch;

    ScanWriter(ScanParts parts, Items items, Target target) {
        this.parts = parts;
        this.items = items;
        this.target = target;
        this.operands = new Operand[parts.body().results().size()];
    }

    /** How each result is read, null where it is not; adds the item. */
    Operand[] write(Term term) {
        Op.Scan scan = parts.scan;
        for (int i = scan.carries(); i < operands.length; i++) {
            if (parts.isWanted(i)) {
                stack(i, term.types.get(i));
            }
        }
        for (int i = 0; i < scan.carries(); i++) {
            if (parts.computesCarry(i)) {
                carry(i, term);
            }
        }
        for (int i = scan.carries(); i < term.inputs.size(); i++) {
            if (parts.reads(i)) {
                boolean sliced = i < scan.carries() + scan.slices();
                leaves.add(parts.body().leaves().get(i));
                leafBindings.add(sliced ? new PlanStep.Binding.InputSlice(inputs.size())
                    : new PlanStep.Binding.Input(inputs.size()));
                inputs.add(sliced ? slices(items.operand(term.input(i))) : whole(items.operand(term.input(i))));
            }
        }
        // What each iteration of a stack makes is a result of the body of its own, unless a carry writes it.
        Program program = Program.of(results, List.of(), leaves, true);
        Plan body = Planner.plan(program, target);
        long arena = scratch;
        scratch += body.arenaBytes();
        if (scratch > 0) {
            outputs.add(new Value(new TensorType(DType.U8, Shape.of(scratch))));
        }
        List<PlanStep.Binding> bindings = new ArrayList<>(leafBindings);
        bindings.addAll(resultBindings);
        items.add(Item.loop(items.all().size(), scan, inputs, outputs, new PlanStep.Scan(body,
            body.withExtra(program.scalars()), scan.length(), scan.reverse(), bindings, arena, List.of(), List.of())));
        return operands;
    }

    /** A value for result {@code index}, stacked, which may be another's too. */
    private void stack(int index, TensorType type) {
        Node made = parts.body().results().get(index);
        Shape slice = made.shape();
        long row = padded(made.type());
        long[] strides = new long[slice.rank() + 1];
        strides[0] = row;
        System.arraycopy(slice.contiguousStrides(), 0, strides, 1, slice.rank());
        Integer known = stacks.get(made);
        if (known == null) {
            known = outputs.size();
            stacks.put(made, known);
            Shape memory = row == slice.elements() ? type.shape() : Shape.of(parts.scan.length(), row);
            outputs.add(new Value(new TensorType(type.dtype(), memory)));
            if (!isCarry(made)) {
                results.add(made);
                resultBindings.add(new PlanStep.Binding.OutputSlice(known));
            }
        }
        operands[index] = new Operand(outputs.get(known), -1, type.dtype(), new Layout(type.shape(), strides, 0),
            List.of());
    }

    private boolean isCarry(Node made) {
        int carry = parts.body().results().indexOf(made);
        return carry < parts.scan.carries() && parts.computesCarry(carry);
    }

    private void carry(int index, Term term) {
        Node made = parts.body().results().get(index);
        boolean first = parts.body().results().indexOf(made) == index;
        PlanStep.Binding place;
        if (first && stacks.containsKey(made)) {
            int output = stacks.get(made);
            Value stack = outputs.get(output);
            long last = (parts.scan.reverse() ? 0 : parts.scan.length() - 1) * padded(made.type());
            place = new PlanStep.Binding.OutputSlice(output);
            operands[index] = new Operand(stack, -1, made.dtype(),
                new Layout(made.shape(), made.shape().contiguousStrides(), last), List.of());
        } else {
            int output = -1;
            if (parts.isWanted(index)) {
                output = outputs.size();
                outputs.add(new Value(term.types.get(index)));
                operands[index] = Operand.whole(outputs.getLast());
            }
            long bytes = padded(made.type()) * made.dtype().bytes();
            place = new PlanStep.Binding.Alternating(scratch, bytes, output);
            scratch += 2 * bytes;
        }
        results.add(made);
        resultBindings.add(place);
        leaves.add(parts.body().leaves().get(index));
        leafBindings.add(new PlanStep.Binding.Delayed(inputs.size(), place));
        inputs.add(whole(items.operand(term.input(index))));
    }

    /** Elements of a tensor with what it takes to the next one that is aligned. */
    private static long padded(TensorType type) {
        long bytes = (type.bytes() + Plan.ALIGNMENT - 1) / Plan.ALIGNMENT * Plan.ALIGNMENT;
        return bytes / type.dtype().bytes();
    }

    private static boolean isAligned(long elements, DType dtype) {
        return elements * dtype.bytes() % Plan.ALIGNMENT == 0;
    }

    /** The operand, contiguous and aligned. */
    private Operand whole(Operand operand) {
        boolean fits = !operand.isScalar() && isAligned(operand.layout().offset(), operand.dtype())
            && View.isContiguous(operand.shape(), operand.layout().strides());
        return fits ? operand : Operand.whole(items.copied(operand));
    }

    /** The operand, of which each slice along the leading axis is contiguous and aligned. */
    private Operand slices(Operand operand) {
        Shape shape = operand.shape();
        Shape slice = shape.without(0);
        long[] strides = operand.layout().strides();
        if (operand.isScalar() || shape.extent(0) > 1 && strides[0] == 0) {
            // One slice stands for all.
            Layout one = operand.isScalar() ? Layout.contiguous(slice) : new Layout(slice, inner(strides),
                operand.layout().offset());
            Operand same = whole(operand.with(one));
            long[] repeated = new long[strides.length];
            System.arraycopy(same.layout().strides(), 0, repeated, 1, slice.rank());
            return same.with(new Layout(shape, repeated, same.layout().offset()));
        }
        boolean fits = isAligned(operand.layout().offset(), operand.dtype())
            && (isAligned(strides[0], operand.dtype()) || shape.extent(0) == 1)
            && View.isContiguous(slice, inner(strides));
        return fits ? operand : items.padded(operand, padded(new TensorType(operand.dtype(), slice)));
    }

    private static long[] inner(long[] strides) {
        return Arrays.copyOfRange(strides, 1, strides.length);
    }
}
