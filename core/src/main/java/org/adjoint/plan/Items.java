package org.adjoint.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/**
 * Turns terms into items over memory: movement becomes a layout where strides can express it and a copy where they
 * can't; padding and concatenation become copies into windows.
 */
final class Items {
    private final Target target;
    private final List<Item> all = new ArrayList<>();
    private final Operand[] operands;
    private final Map<Term, ScanParts> scans;
    private final Map<Term, Operand[]> results = new HashMap<>();
    /** Copies made so far, so that none is made twice. */
    private final Map<Operand, Value> copies = new HashMap<>();

    /**
     * @param terms all terms, of which those in {@code live} are wanted
     * @param scans for each scan among them what is wanted of it
     */
    Items(List<Term> terms, boolean[] live, Map<Term, ScanParts> scans, Target target) {
        this.target = target;
        this.scans = scans;
        this.operands = new Operand[terms.size()];
        for (Term term : terms) {
            if (live[term.index]) {
                operands[term.index] = resolve(term);
            }
        }
    }

    /** In topological order. */
    List<Item> all() {
        return all;
    }

    /** How the value of a live term is read. */
    Operand operand(Term term) {
        return operands[term.index];
    }

    private Operand resolve(Term term) {
        if (term.isConstant()) {
            return Operand.scalar(term.scalar, term.dtype(), term.shape());
        }
        return switch (term.op) {
            case Op.Leaf _ -> Operand.whole(new Value(term.type()));
            case Op.Unary _, Op.Binary _, Op.Where _, Op.Cast _ -> point(term);
            case Op.Reduce reduce -> reduce(reduce, term);
            case Op.Reshape reshape -> reshape(input(term, 0), reshape.shape());
            case Op.Permute permute -> input(term, 0).with(input(term, 0).layout().permute(permute.axes()));
            case Op.Expand expand -> input(term, 0).with(input(term, 0).layout().expand(expand.shape()));
            case Op.Slice slice ->
                input(term, 0).with(input(term, 0).layout().slice(slice.starts(), slice.steps(), slice.shape()));
            case Op.Windows windows ->
                input(term, 0).with(input(term, 0).layout().windows(windows, term.shape()));
            case Op.Pad pad -> pad(pad, term);
            case Op.Barrier _ -> barrier(term);
            case Op.Concat concat -> concat(concat.axis(), term);
            case Op.Project project -> results.get(term.input(0))[project.index()];
            case Op.Scan _ -> scan(term);
            case Op.Iota _, Op.RandomBits _, Op.ArgReduce _, Op.ArgSort _, Op.MatMul _, Op.Gather _,
                Op.Scatter _, Op.ScatterAdd _, Op.DynamicSlice _, Op.DynamicUpdateSlice _, Op.Fused _ -> kernel(term);
            case Op.Constant _, Op.StopGradient _, Op.WithGradient _ ->
                throw new IllegalStateException(term.op + " was lowered before");
        };
    }

    private Operand input(Term term, int position) {
        return operands[term.input(position).index];
    }

    private Operand barrier(Term term) {
        Operand guarded = input(term, 0);
        for (int i = 1; i < term.inputs.size(); i++) {
            Operand awaited = input(term, i);
            guarded = awaited.isScalar() ? guarded : guarded.after(awaited.value().writers);
        }
        return guarded;
    }

    private Operand point(Term term) {
        Value value = new Value(term.type());
        List<Operand> inputs = term.inputs.stream().map(input -> operands[input.index]).toList();
        all.add(Item.point(all.size(), term.op, inputs, value));
        return Operand.whole(value);
    }

    private Operand reduce(Op.Reduce reduce, Term term) {
        Operand input = input(term, 0);
        if (reduce.axes().stream().allMatch(axis -> input.shape().extent(axis) == 1)) {
            return reshape(input, term.shape());
        }
        Value value = new Value(term.type());
        all.add(Item.reduction(all.size(), reduce, input, value));
        return Operand.whole(value);
    }

    private Operand reshape(Operand input, Shape shape) {
        Layout reshaped = input.layout().reshape(shape);
        if (reshaped != null) {
            return input.with(reshaped);
        }
        return input(copied(input), shape);
    }

    private static Operand input(Value value, Shape shape) {
        return new Operand(value, -1, value.type.dtype(), Layout.contiguous(shape), List.of());
    }

    /**
     * A contiguous value of the same elements that may be given a home of its own: the operand's, where that is all of
     * a value that is computed and has no home yet, else a copy.
     */
    Value placeable(Operand operand) {
        boolean own = operand.isWhole() && !operand.value().writers.isEmpty() && !operand.value().pinned;
        Value value = own ? operand.value() : freshCopy(operand);
        value.pinned = true;
        return value;
    }

    /** A contiguous copy, the same for the same operand. */
    Value copied(Operand operand) {
        return copies.computeIfAbsent(operand, this::freshCopy);
    }

    private Value freshCopy(Operand operand) {
        Value copy = new Value(new TensorType(operand.dtype(), operand.shape()));
        all.add(Item.copy(all.size(), operand, copy, Layout.contiguous(operand.shape()), null));
        return copy;
    }

    /** A copy whose slices along the leading axis are contiguous and start {@code row} elements apart. */
    Operand padded(Operand operand, long row) {
        Shape shape = operand.shape();
        long[] strides = shape.contiguousStrides();
        if (strides[0] == row) {
            return Operand.whole(copied(operand));
        }
        strides[0] = row;
        Layout place = new Layout(shape, strides, 0);
        Value copy = new Value(new TensorType(operand.dtype(), Shape.of(shape.extent(0), row)));
        if (!shape.isEmpty()) {
            all.add(Item.copy(all.size(), operand, copy, place, null));
        }
        return new Operand(copy, -1, operand.dtype(), place, List.of());
    }

    private Operand pad(Op.Pad pad, Term term) {
        Value value = new Value(term.type());
        Operand filling = input(term, 1);
        Shape shape = term.shape();
        Operand everywhere = filling.isScalar() ? Operand.scalar(filling.scalar(), filling.dtype(), shape)
            : filling.with(new Layout(shape, new long[shape.rank()], filling.layout().offset()));
        Item fill = Item.copy(all.size(), everywhere, value, Layout.contiguous(shape), null);
        all.add(fill);
        Operand inner = input(term, 0);
        if (inner.shape().isEmpty()) {
            return Operand.whole(value);
        }
        List<Long> steps = pad.interior().stream().map(gap -> gap + 1).toList();
        Layout window = Layout.contiguous(shape).slice(pad.low(), steps, inner.shape());
        all.add(Item.copy(all.size(), inner, value, window, fill));
        return Operand.whole(value);
    }

    private Operand concat(int axis, Term term) {
        Value value = new Value(term.type());
        Layout whole = Layout.contiguous(term.shape());
        long offset = 0;
        for (Term part : term.inputs) {
            Operand operand = operands[part.index];
            if (!operand.shape().isEmpty()) {
                Layout window = new Layout(operand.shape(), whole.strides(), offset * whole.strides()[axis]);
                all.add(Item.copy(all.size(), operand, value, window, null));
            }
            offset += operand.shape().extent(axis);
        }
        return Operand.whole(value);
    }

    private Operand kernel(Term term) {
        List<Operand> inputs = new ArrayList<>();
        for (int i = 0; i < term.inputs.size(); i++) {
            boolean updated = updatedBy(term.op, term.types.size(), i) >= 0;
            inputs.add(kernelInput(term.op, i, input(term, i), updated));
        }
        List<Value> outputs = term.types.stream().map(Value::new).toList();
        all.add(Item.kernel(all.size(), term.op, inputs, outputs));
        results.put(term, outputs.stream().map(Operand::whole).toArray(Operand[]::new));
        return Operand.whole(outputs.getFirst());
    }

    /** Its results are read by projections alone. */
    private Operand scan(Term term) {
        results.put(term, new ScanWriter(scans.get(term), this, target).write(term));
        return null;
    }

    void add(Item item) {
        all.add(item);
    }

    /**
     * The operand itself where the kernel takes its layout, else a contiguous copy.
     *
     * @param updated whether a result may take over the input's memory, which has to be all there then
     */
    private Operand kernelInput(Op op, int position, Operand operand, boolean updated) {
        if (operand.isScalar() && updated) {
            return Operand.whole(freshCopy(operand));
        }
        Operand inMemory = operand.isScalar() ? spread(operand) : operand;
        boolean accepted = target.accepts(op, position, inMemory.layout().view(0, inMemory.dtype()));
        return accepted ? inMemory : Operand.whole(copied(operand));
    }

    /** A scalar in memory, seen everywhere. */
    private Operand spread(Operand scalar) {
        Value once = copied(Operand.scalar(scalar.scalar(), scalar.dtype(), Shape.SCALAR));
        Layout everywhere = new Layout(scalar.shape(), new long[scalar.shape().rank()], 0);
        return new Operand(once, -1, scalar.dtype(), everywhere, List.of());
    }

    /** Which of {@code results} results may take the memory of input {@code position}, or -1. */
    static int updatedBy(Op op, int results, int position) {
        return switch (op) {
            case Op.Scatter _, Op.ScatterAdd _, Op.DynamicUpdateSlice _ -> position == 0 ? 0 : -1;
            case Op.Fused fused -> {
                int found = -1;
                for (int result = 0; result < results; result++) {
                    found = fused.inPlace(result) == position ? result : found;
                }
                yield found;
            }
            case Op.Leaf _, Op.Constant _, Op.Iota _, Op.RandomBits _, Op.Unary _, Op.Binary _, Op.Where _,
                Op.Cast _, Op.Reduce _, Op.ArgReduce _, Op.ArgSort _, Op.Reshape _, Op.Permute _, Op.Expand _,
                Op.Slice _, Op.Windows _, Op.Pad _, Op.Concat _, Op.MatMul _, Op.Gather _, Op.DynamicSlice _,
                Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _ -> -1;
        };
    }
}
