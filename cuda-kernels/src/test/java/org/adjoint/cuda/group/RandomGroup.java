package org.adjoint.cuda.group;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * A step made from a seed: some layout of a few operands. Values are small integers, and sums of them stay below 2^24,
 * so that every order of adding them gives the same bits.
 */
final class RandomGroup {
    private static final long[] AWKWARD = {1, 2, 3, 7, 13, 31, 33, 127, 207, 702};
    private static final long[] EVEN = {1, 4, 8, 16, 32, 64, 256, 1024};
    private static final long MOST_POINTS = 20_000;

    final PlanStep.Elementwise step;
    final List<byte[]> slots = new ArrayList<>();
    /** Bits of the plan's scalars. */
    final long[] scalars = {Double.doubleToRawLongBits(2)};
    private final SplittableRandom random;
    private final boolean aligned;

    RandomGroup(long seed) {
        random = new SplittableRandom(seed);
        aligned = random.nextBoolean();
        int rank = 1 + random.nextInt(3);
        int reducedAxes = random.nextBoolean() ? 1 + random.nextInt(rank) : 0;
        long[] extents = extents(rank);
        DType dtype = DType.values()[1 + random.nextInt(DType.values().length - 1)];
        List<DType> types = new ArrayList<>();
        List<View> inputs = new ArrayList<>();
        List<Instruction> body = new ArrayList<>();
        for (int i = 0; i < 1 + random.nextInt(3); i++) {
            types.add(dtype);
            inputs.add(input(dtype, extents));
            body.add(new Instruction.Load(i, dtype.computeType()));
        }
        List<DType> scalarTypes = new ArrayList<>();
        if (dtype.computeType() == DType.F32) {
            scalarTypes.add(DType.F32);
            body.add(new Instruction.Scalar(0, DType.F32));
        }
        compute(body, dtype.computeType());
        List<Group.Result> results = new ArrayList<>();
        List<View> outputs = new ArrayList<>();
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            boolean reduces = reducedAxes > 0 && (i == 0 || random.nextInt(3) > 0);
            int value = body.size() - 1 - random.nextInt(2);
            boolean bool = body.get(value).dtype() == DType.BOOL;
            results.add(new Group.Result(reduces && bool ? 0 : value, !bool || reduces ? dtype : DType.BOOL,
                reduces ? ReduceOp.values()[random.nextInt(3)] : null));
            outputs.add(output(results.getLast().dtype(), extents, reduces ? reducedAxes : 0));
        }
        step = new PlanStep.Elementwise(new Group(types, scalarTypes, body, results), extents, reducedAxes, inputs,
            outputs, scalarTypes.isEmpty() ? new int[0] : new int[] {0});
    }

    private void compute(List<Instruction> body, DType dtype) {
        int loads = body.size();
        BinaryOp[] ops = {BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL, BinaryOp.MIN, BinaryOp.MAX};
        for (int i = 0; i < 1 + random.nextInt(3); i++) {
            BinaryOp op = ops[random.nextInt(ops.length)];
            body.add(new Instruction.Binary(op, body.size() - 1, random.nextInt(loads), dtype));
        }
        int last = body.size() - 1;
        if (random.nextBoolean()) {
            body.add(new Instruction.Binary(BinaryOp.LESS_THAN, last, random.nextInt(loads), DType.BOOL));
            body.add(new Instruction.Where(last + 1, last, random.nextInt(loads), dtype));
        } else {
            body.add(new Instruction.Unary(UnaryOp.NEG, last, dtype));
        }
    }

    private long[] extents(int rank) {
        long[] extents = new long[rank];
        long points;
        do {
            points = 1;
            for (int i = 0; i < rank; i++) {
                long[] choice = aligned && i == rank - 1 ? EVEN : AWKWARD;
                extents[i] = random.nextInt(40) == 0 ? 0 : rank == 1 ? random.nextLong(MOST_POINTS)
                    : choice[random.nextInt(choice.length)];
                points *= extents[i];
            }
        } while (points > MOST_POINTS);
        return extents;
    }

    private View input(DType dtype, long[] extents) {
        int rank = extents.length;
        long[] strides = new long[rank];
        List<Integer> order = new ArrayList<>(List.of(0, 1, 2).subList(0, rank));
        if (random.nextInt(3) == 0) {
            Collections.shuffle(order, Random.from(random));
        }
        long expected = !aligned && random.nextInt(6) == 0 ? 2 : 1;
        long offset = aligned ? 8 * random.nextInt(2) : random.nextInt(3);
        long end = offset;
        for (int k = rank - 1; k >= 0; k--) {
            int axis = order.get(k);
            if (random.nextInt(6) == 0) {
                continue;
            }
            strides[axis] = expected;
            expected = expected * Math.max(1, extents[axis]) + (random.nextInt(4) == 0 ? aligned ? 8 : 3 : 0);
            long reach = (Math.max(1, extents[axis]) - 1) * strides[axis];
            end += reach;
            if (random.nextInt(8) == 0) {
                offset += reach;
                strides[axis] = -strides[axis];
            }
        }
        byte[] bytes = new byte[Math.toIntExact((end + 1) * dtype.bytes())];
        for (long i = 0; i <= end; i++) {
            int value = dtype == DType.U8 ? random.nextInt(4) : random.nextInt(-3, 4);
            StepRun.put(MemorySegment.ofArray(bytes), dtype, i, StepRun.bits(dtype, value));
        }
        slots.add(bytes);
        return new View(slots.size() - 1, dtype, Shape.of(extents), strides, offset);
    }

    private View output(DType dtype, long[] extents, int reduced) {
        long[] strides = new long[extents.length];
        long expected = 1;
        for (int axis = extents.length - 1 - reduced; axis >= 0; axis--) {
            strides[axis] = expected;
            expected *= extents[axis];
        }
        long offset = aligned ? 0 : random.nextInt(2);
        // Something that is not the result, before it and behind it too.
        byte[] bytes = new byte[Math.toIntExact((offset + expected + 1) * dtype.bytes())];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = dtype.isBoolean() ? 1 : (byte) 0x5a;
        }
        slots.add(bytes);
        return new View(slots.size() - 1, dtype, Shape.of(extents), strides, offset);
    }
}
