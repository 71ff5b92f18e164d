package org.adjoint.cpu.group;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** An elementwise step made from a seed, with memory to run it on. Each slot is followed by guard bytes. */
final class RandomStep {
    private static final long GUARD = 64;
    private static final byte GUARD_BYTE = 0x5a;
    private static final long[] EXTENTS = {1, 2, 3, 7, 8, 15, 16, 17, 31, 64, 65, 127, 200, 1023, 1024, 1025, 2500};

    final PlanStep.Elementwise step;
    final long[] planScalars;
    private final Random random;
    private final boolean exactOnly;
    private final List<byte[]> contents = new ArrayList<>();
    private final int inputSlots;

    /** @param exactOnly whether to leave out ops that {@link NaiveGroups} does not compute */
    RandomStep(long seed, boolean exactOnly) {
        random = new Random(seed);
        this.exactOnly = exactOnly;
        int rank = 1 + random.nextInt(3);
        int reducedAxes = random.nextInt(3) == 0 ? 1 + random.nextInt(rank) : 0;
        long[] extents = extents(rank);
        List<View> inputs = new ArrayList<>();
        List<DType> types = new ArrayList<>();
        DType[] palette = palette();
        for (int i = 0; i < 1 + random.nextInt(4); i++) {
            DType dtype = palette[random.nextInt(palette.length)];
            types.add(dtype);
            inputs.add(input(i, dtype, extents));
        }
        inputSlots = inputs.size();
        List<DType> scalarTypes = new ArrayList<>();
        for (int i = 0; i < random.nextInt(3); i++) {
            scalarTypes.add(palette[random.nextInt(palette.length)].computeType());
        }
        planScalars = new long[scalarTypes.size() + 1];
        int[] scalars = new int[scalarTypes.size()];
        for (int i = 0; i < scalars.length; i++) {
            scalars[i] = i + 1;
            planScalars[i + 1] = scalarTypes.get(i).isFloating()
                ? Double.doubleToRawLongBits((float) random.nextGaussian())
                : random.nextInt(2);
        }
        List<Instruction> body = body(types, scalarTypes);
        List<Group.Result> results = new ArrayList<>();
        List<View> outputs = new ArrayList<>();
        int count = 1 + random.nextInt(2);
        for (int i = 0; i < count; i++) {
            int value = body.size() - 1 - (i == 0 ? 0 : random.nextInt(body.size()));
            boolean reduce = reducedAxes > 0 && (i == 0 || random.nextBoolean());
            DType computed = body.get(value).dtype();
            DType dtype = computed != DType.F32 ? computed
                : new DType[] {DType.F32, DType.F32, DType.F16, DType.BF16}[random.nextInt(4)];
            ReduceOp op = ReduceOp.values()[random.nextInt(ReduceOp.values().length)];
            boolean isEmpty = Arrays.stream(extents).skip(rank - reducedAxes).anyMatch(extent -> extent == 0);
            results.add(new Group.Result(value, dtype, reduce ? reducible(op, computed, isEmpty) : null));
            outputs.add(output(inputs.size() + i, dtype, extents, reduce ? reducedAxes : 0));
        }
        step = new PlanStep.Elementwise(new Group(types, scalarTypes, body, results), extents, reducedAxes, inputs,
            outputs, scalars);
    }

    /** The largest of nothing is not defined, nor is a sum of truth values. */
    private static ReduceOp reducible(ReduceOp op, DType dtype, boolean isEmpty) {
        if (dtype == DType.BOOL) {
            return isEmpty ? ReduceOp.SUM : op.isChoice() ? op : ReduceOp.MAX;
        }
        return isEmpty && op.isChoice() ? ReduceOp.SUM : op;
    }

    private DType[] palette() {
        return switch (random.nextInt(4)) {
            case 0 -> new DType[] {DType.F32};
            case 1 -> new DType[] {DType.F32, DType.F16, DType.BF16, DType.BOOL};
            case 2 -> new DType[] {DType.F64, DType.I64, DType.I32};
            default -> DType.values();
        };
    }

    private long[] extents(int rank) {
        long[] extents = new long[rank];
        do {
            for (int i = 0; i < rank; i++) {
                extents[i] = random.nextInt(60) == 0 ? 0 : EXTENTS[random.nextInt(EXTENTS.length)];
            }
        } while (Geometry.points(extents) > 60_000);
        return extents;
    }

    private View input(int slot, DType dtype, long[] extents) {
        int rank = extents.length;
        long[] strides = new long[rank];
        List<Integer> order = new ArrayList<>(List.of(0, 1, 2).subList(0, rank));
        if (random.nextInt(4) == 0) {
            Collections.shuffle(order, random);
        }
        long expected = random.nextInt(6) == 0 ? 2 : 1;
        long offset = random.nextInt(3);
        long end = offset;
        for (int k = rank - 1; k >= 0; k--) {
            int axis = order.get(k);
            if (random.nextInt(5) == 0) {
                continue;
            }
            strides[axis] = expected;
            expected = Math.max(1, expected * Math.max(1, extents[axis])) + (random.nextInt(6) == 0 ? 3 : 0);
            long reach = (Math.max(1, extents[axis]) - 1) * strides[axis];
            end += reach;
            if (random.nextInt(8) == 0) {
                offset += reach;
                strides[axis] = -strides[axis];
            }
        }
        fill(dtype, end + 1);
        return new View(slot, dtype, Shape.of(extents), strides, offset);
    }

    private void fill(DType dtype, long elements) {
        byte[] bytes = new byte[Math.toIntExact(elements * dtype.bytes())];
        MemorySegment memory = MemorySegment.ofArray(bytes);
        for (long i = 0; i < elements; i++) {
            double value = random.nextInt(50) == 0
                ? new double[] {0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1e-40,
                    70000, 1e30}[random.nextInt(8)]
                : random.nextGaussian() * 3;
            switch (dtype) {
                case F32 -> memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i, (float) value);
                case F64 -> memory.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * i, value);
                case F16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, Float.floatToFloat16((float) value));
                case BF16 -> memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i,
                    Halves.bf16((float) value));
                case I32 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * i, integer());
                case I64 -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, 8 * i,
                    random.nextInt(30) == 0 ? random.nextLong() : integer());
                case U8 -> memory.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
                case BOOL -> memory.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(2));
            }
        }
        contents.add(bytes);
    }

    private int integer() {
        return random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(21) - 10;
    }

    private View output(int slot, DType dtype, long[] extents, int reduced) {
        long[] strides = new long[extents.length];
        long expected = 1;
        for (int axis = extents.length - 1 - reduced; axis >= 0; axis--) {
            strides[axis] = expected;
            expected *= extents[axis];
        }
        long offset = random.nextInt(2);
        contents.add(new byte[Math.toIntExact((expected + offset) * dtype.bytes())]);
        return new View(slot, dtype, Shape.of(extents), strides, offset);
    }

    private List<Instruction> body(List<DType> inputs, List<DType> scalars) {
        List<Instruction> body = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            body.add(new Instruction.Load(i, inputs.get(i).computeType()));
        }
        for (int i = 0; i < scalars.size(); i++) {
            body.add(new Instruction.Scalar(i, scalars.get(i)));
        }
        int lines = body.size() + random.nextInt(10);
        while (body.size() < lines) {
            int a = random.nextInt(body.size());
            DType dtype = body.get(a).dtype();
            switch (random.nextInt(5)) {
                case 0 -> {
                    UnaryOp op = UnaryOp.values()[random.nextInt(UnaryOp.values().length)];
                    if (op.accepts(dtype) && !(exactOnly && !NaiveGroups.isExact(op))) {
                        body.add(new Instruction.Unary(op, a, op.resultType(dtype)));
                    }
                }
                case 1, 2 -> {
                    BinaryOp op = BinaryOp.values()[random.nextInt(BinaryOp.values().length)];
                    int b = random.nextInt(body.size());
                    if (op.accepts(dtype) && body.get(b).dtype() == dtype && !(exactOnly && op == BinaryOp.POW)) {
                        body.add(new Instruction.Binary(op, a, b, op.resultType(dtype)));
                    }
                }
                case 3 -> {
                    int b = random.nextInt(body.size());
                    int condition = random.nextInt(body.size());
                    if (body.get(b).dtype() == dtype && body.get(condition).dtype() == DType.BOOL) {
                        body.add(new Instruction.Where(condition, a, b, dtype));
                    }
                }
                default -> {
                    DType target = DType.values()[random.nextInt(8)];
                    body.add(new Instruction.Cast(a, target, target.computeType()));
                }
            }
        }
        return body;
    }

    /** Fresh memory with the step's inputs. */
    MemorySegment[] memory(Arena arena) {
        MemorySegment[] slots = new MemorySegment[contents.size()];
        for (int i = 0; i < slots.length; i++) {
            byte[] bytes = contents.get(i);
            slots[i] = arena.allocate(bytes.length + GUARD, 64);
            slots[i].fill(GUARD_BYTE);
            if (i < inputSlots) {
                MemorySegment.copy(bytes, 0, slots[i], ValueLayout.JAVA_BYTE, 0, bytes.length);
            }
        }
        return slots;
    }

    /** Outputs as bytes, NaNs made equal, guard bytes included. */
    List<byte[]> outputs(MemorySegment[] slots) {
        List<byte[]> outputs = new ArrayList<>();
        for (int i = 0; i < step.outputs().size(); i++) {
            MemorySegment memory = MemorySegment.ofArray(slots[inputSlots + i].toArray(ValueLayout.JAVA_BYTE));
            View view = step.outputs().get(i);
            long end = (memory.byteSize() - GUARD) / view.dtype().bytes();
            for (long at = view.offset(); at < end; at++) {
                switch (view.dtype()) {
                    case F32 -> {
                        if (Float.isNaN(memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * at))) {
                            memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * at, Float.NaN);
                        }
                    }
                    case F64 -> {
                        if (Double.isNaN(memory.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * at))) {
                            memory.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8 * at, Double.NaN);
                        }
                    }
                    case F16, BF16 -> {
                        short bits = memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at);
                        if ((bits & 0x7fff) > (view.dtype() == DType.F16 ? 0x7c00 : 0x7f80)) {
                            memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, (short) 0x7fff);
                        }
                    }
                    case BOOL, U8, I32, I64 -> { }
                }
            }
            outputs.add(memory.toArray(ValueLayout.JAVA_BYTE));
        }
        return outputs;
    }

    /** Whether the bytes around what a step writes are as they were. */
    boolean guardsHold(List<byte[]> outputs) {
        for (int i = 0; i < outputs.size(); i++) {
            View view = step.outputs().get(i);
            byte[] bytes = outputs.get(i);
            for (int k = 0; k < bytes.length; k++) {
                boolean inside = k >= view.byteOffset() && k < bytes.length - GUARD;
                if (!inside && bytes[k] != GUARD_BYTE) {
                    return false;
                }
            }
        }
        return true;
    }

    List<byte[]> run(GroupCompiler compiler, Parallel parallel) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment[] slots = memory(arena);
            compiler.prepare(step).run(slots, planScalars, parallel);
            return outputs(slots);
        }
    }
}
