package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;

/** Writes a task that is no kernel as an elementwise step. */
final class GroupWriter {
    /** What makes two loads one: whatever the shapes, the same elements at the same points. */
    private record Load(Value value, long offset, List<Long> strides) { }

    private final Task task;
    private final LoopAxes axes;
    private final List<Instruction> body = new ArrayList<>();
    private final Map<Item, Integer> lines = new HashMap<>();
    /** Loads in order, each with its line. */
    private final Map<Load, Integer> loads = new LinkedHashMap<>();
    /** Scalars of the plan in order, each with its line. */
    private final Map<Integer, Integer> scalars = new LinkedHashMap<>();
    private final List<DType> scalarTypes = new ArrayList<>();
    /** Lines that round others. */
    private final Map<Integer, Integer> roundings = new HashMap<>();
    private final Set<Item> roundedHere = new HashSet<>();
    private final Set<Item> storedAndUsedHere = new HashSet<>();

    private GroupWriter(Task task) {
        this.task = task;
        this.axes = LoopAxes.of(task);
    }

    static PlanStep.Elementwise write(Task task, MemoryPlan memory) {
        return new GroupWriter(task).write(memory);
    }

    private PlanStep.Elementwise write(MemoryPlan memory) {
        findRounded();
        findStored();
        for (Item item : task.lines) {
            int line = line(item);
            lines.put(item, storedAndUsedHere.contains(item) ? rounded(line, item.output().type.dtype()) : line);
        }
        List<DType> inputTypes = loads.keySet().stream().map(load -> load.value.type.dtype()).toList();
        List<Group.Result> results = task.writers.stream()
            .map(item -> new Group.Result(lines.get(item), item.output().type.dtype(), item.reduce)).toList();
        List<LoopAxes.Walk> reads = new ArrayList<>();
        loads.keySet().forEach(load -> reads.add(new LoopAxes.Walk(
            load.strides.stream().mapToLong(Long::longValue).toArray(), load.offset)));
        List<LoopAxes.Walk> writes = task.writers.stream().map(item -> axes.walk(item.place)).toList();
        axes.arrange(reads, writes);
        List<View> inputs = new ArrayList<>();
        for (Load load : loads.keySet()) {
            inputs.add(axes.view(reads.get(inputs.size()), memory.slot(load.value), load.value.type.dtype()));
        }
        List<View> outputs = new ArrayList<>();
        for (Item item : task.writers) {
            Value output = item.output();
            outputs.add(axes.view(writes.get(outputs.size()), memory.slot(output), output.type.dtype()));
        }
        Group group = new Group(inputTypes, scalarTypes, body, results);
        return new PlanStep.Elementwise(group, axes.extents(), axes.reduced(), inputs, outputs,
            scalars.keySet().stream().mapToInt(Integer::intValue).toArray());
    }

    /** Items whose exact value is needed within the group: their rounding can't be left to the store. */
    private void findRounded() {
        for (int i = task.lines.size() - 1; i >= 0; i--) {
            Item item = task.lines.get(i);
            boolean passesOn = item.op == null && !roundedHere.contains(item);
            for (Operand operand : item.inputs) {
                if (!passesOn && task.unit.computes(operand)) {
                    roundedHere.add(operand.value().point());
                }
            }
        }
    }

    /**
     * Items that other steps load and this one goes on with: both must see the same. The gradient of a maximum may
     * compute again, from what was stored, the elements that it was the maximum of, and looks for those that are equal.
     */
    private void findStored() {
        Set<Item> usedHere = new HashSet<>();
        for (Item item : task.lines) {
            for (Operand operand : item.inputs) {
                if (item.op != null && task.unit.computes(operand)) {
                    usedHere.add(origin(operand.value().point()));
                }
            }
        }
        for (Item line : task.lines) {
            Item origin = origin(line);
            if (line.reduce == null && line.output().stored && usedHere.contains(origin)) {
                storedAndUsedHere.add(origin);
            }
        }
    }

    /** What computes the elements that an item moves. */
    private Item origin(Item item) {
        Item origin = item;
        while (origin.op == null && origin.reduce == null && task.unit.computes(origin.inputs.getFirst())) {
            origin = origin.inputs.getFirst().value().point();
        }
        return origin;
    }

    private int line(Item item) {
        boolean jumps = item.op != null && jumps(item.op);
        int[] in = item.inputs.stream().mapToInt(operand -> jumps ? rounded(operand) : line(operand)).toArray();
        DType dtype = item.output().type.dtype().computeType();
        return switch (item.op) {
            case null -> in[0];
            case Op.Reduce _ -> in[0];
            case Op.Unary unary -> add(new Instruction.Unary(unary.function(), in[0], dtype));
            case Op.Binary binary -> add(new Instruction.Binary(binary.function(), in[0], in[1], dtype));
            case Op.Where _ -> add(new Instruction.Where(in[0], in[1], in[2], dtype));
            case Op.Cast cast -> cast(item, cast.target(), in[0]);
            case Op.Leaf _, Op.Constant _, Op.Iota _, Op.RandomBits _, Op.ArgReduce _, Op.ArgSort _, Op.Reshape _,
                Op.Permute _, Op.Expand _, Op.Slice _, Op.Windows _, Op.Pad _, Op.Concat _, Op.MatMul _,
                Op.Gather _, Op.Scatter _, Op.ScatterAdd _, Op.DynamicSlice _, Op.DynamicUpdateSlice _,
                Op.StopGradient _, Op.WithGradient _, Op.Barrier _,
                Op.Project _, Op.Scan _, Op.Fused _ ->
                throw new IllegalStateException(item.op.name() + " is not elementwise");
        };
    }

    /**
     * Whether a small change of an operand may change the result at once: such an operation must see what other steps
     * see. The gradient of a maximum looks for elements that are equal to it, and finds none among unrounded ones.
     */
    private static boolean jumps(Op op) {
        return op instanceof Op.Binary binary
            && (binary.function().isComparison() || binary.function() == BinaryOp.REMAINDER)
            || op instanceof Op.Unary unary && unary.function().jumps()
            || op instanceof Op.Cast cast && !cast.target().isFloating();
    }

    /** An operand as it would be stored. */
    private int rounded(Operand operand) {
        int line = line(operand);
        return operand.isScalar() || !task.unit.computes(operand) ? line : rounded(line, operand.dtype());
    }

    private int rounded(int line, DType dtype) {
        boolean isRounded = !dtype.isHalf()
            || body.get(line) instanceof Instruction.Cast cast && cast.target() == dtype;
        return isRounded ? line
            : roundings.computeIfAbsent(line, _ -> add(new Instruction.Cast(line, dtype, dtype.computeType())));
    }

    private int cast(Item item, DType target, int operand) {
        DType source = item.inputs.getFirst().dtype();
        DType held = body.get(operand).dtype();
        boolean widensOnly = source == target || held == target;
        boolean storeRounds = target.isHalf() && held == DType.F32 && !roundedHere.contains(item);
        return widensOnly || storeRounds ? operand : add(new Instruction.Cast(operand, target, target.computeType()));
    }

    private int add(Instruction instruction) {
        body.add(instruction);
        return body.size() - 1;
    }

    private int line(Operand operand) {
        if (operand.isScalar()) {
            DType dtype = operand.dtype().computeType();
            if (!scalars.containsKey(operand.scalar())) {
                scalarTypes.add(dtype);
                scalars.put(operand.scalar(), add(new Instruction.Scalar(scalars.size(), dtype)));
            }
            return scalars.get(operand.scalar());
        }
        if (task.unit.computes(operand)) {
            return lines.get(operand.value().point());
        }
        LoopAxes.Walk walk = axes.walk(operand.layout());
        Load load = new Load(operand.value(), walk.offset(), Arrays.stream(walk.strides()).boxed().toList());
        if (!loads.containsKey(load)) {
            loads.put(load, add(new Instruction.Load(loads.size(), operand.dtype().computeType())));
        }
        return loads.get(load);
    }
}
