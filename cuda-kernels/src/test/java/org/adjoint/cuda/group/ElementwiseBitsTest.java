package org.adjoint.cuda.group;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every elementwise op of every dtype gives the CPU backend's bits, of special values and of random ones. */
class ElementwiseBitsTest {
    private static final int RANDOM_POINTS = 3000;
    private static final double[] NUMBERS = {
        0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2, -2, 2.5, 3, 7, 100, Double.NaN, Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY, Double.MIN_VALUE, -Double.MIN_VALUE, Double.MIN_NORMAL, Double.MAX_VALUE,
        Float.MIN_VALUE, Float.MIN_NORMAL, -Float.MAX_VALUE, 0x1p-24, 0x1p-25, 65504, 65520, 255.5, 256, 0x1p17,
        0x1.00001p17, 0x1p20, 0x1.8p21, 1e22, 0x1p31, -0x1p31, 0x1p63, -0x1p63, 88.7, -103.9, 709.7, -745.1,
    };
    private static final long[] INTEGERS = {
        0, 1, -1, 2, 3, 7, 8, 31, 32, 63, 64, 255, 256, Integer.MAX_VALUE, Integer.MIN_VALUE, Long.MAX_VALUE,
        Long.MIN_VALUE, (1L << 53) + 1, 65519, 65520,
    };

    @BeforeAll
    static void open() {
        StepRun.open();
    }

    @AfterAll
    static void close() {
        StepRun.close();
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void ops(DType dtype) {
        DType computed = dtype.computeType();
        List<Instruction> body = new ArrayList<>(List.of(new Instruction.Load(0, computed),
            new Instruction.Load(1, computed), new Instruction.Load(2, DType.BOOL)));
        List<Group.Result> results = new ArrayList<>();
        for (UnaryOp op : UnaryOp.values()) {
            if (op.accepts(dtype)) {
                add(body, results, new Instruction.Unary(op, 0, op.resultType(computed)), op.resultType(dtype));
            }
        }
        for (BinaryOp op : BinaryOp.values()) {
            if (op.accepts(dtype)) {
                add(body, results, new Instruction.Binary(op, 0, 1, op.resultType(computed)), op.resultType(dtype));
            }
        }
        add(body, results, new Instruction.Where(2, 0, 1, computed), dtype);
        for (DType target : DType.values()) {
            add(body, results, new Instruction.Cast(0, target, target.computeType()), target);
        }
        List<Long> values = special(dtype);
        int points = values.size() * values.size() + RANDOM_POINTS;
        SplittableRandom random = new SplittableRandom(dtype.ordinal());
        List<byte[]> slots = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            byte[] bytes = new byte[points * dtype.bytes()];
            for (int k = 0; k < points; k++) {
                int pair = i == 0 ? k / values.size() : k % values.size();
                StepRun.put(MemorySegment.ofArray(bytes), dtype, k,
                    k < points - RANDOM_POINTS ? values.get(pair) : random(dtype, random));
            }
            slots.add(bytes);
        }
        byte[] conditions = new byte[points];
        for (int k = 0; k < points; k++) {
            conditions[k] = (byte) random.nextInt(2);
        }
        slots.add(conditions);
        List<View> inputs = List.of(StepRun.contiguous(0, dtype, points), StepRun.contiguous(1, dtype, points),
            StepRun.contiguous(2, DType.BOOL, points));
        List<View> outputs = new ArrayList<>();
        for (Group.Result result : results) {
            outputs.add(StepRun.contiguous(slots.size(), result.dtype(), points));
            slots.add(new byte[points * result.dtype().bytes()]);
        }
        Group group = new Group(List.of(dtype, dtype, DType.BOOL), List.of(), body, results);
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, new long[] {points}, 0, inputs, outputs,
            new int[0]);
        StepRun.assertSameBits(dtype.text(), step, StepRun.onCpu(step, slots), StepRun.onCuda(step, slots));
    }

    private static void add(List<Instruction> body, List<Group.Result> results, Instruction op, DType dtype) {
        results.add(new Group.Result(body.size(), dtype, null));
        body.add(op);
    }

    private static List<Long> special(DType dtype) {
        List<Long> values = new ArrayList<>();
        if (dtype.isFloating()) {
            for (double number : NUMBERS) {
                values.add(bits(dtype, number));
            }
        } else {
            for (long integer : INTEGERS) {
                values.add(dtype.isBoolean() ? integer & 1 : integer);
            }
        }
        return values.stream().distinct().toList();
    }

    private static long bits(DType dtype, double number) {
        return switch (dtype) {
            case F16 -> Halves.f16(number);
            case BF16 -> Halves.bf16(number);
            case F32 -> Float.floatToRawIntBits((float) number);
            case F64 -> Double.doubleToRawLongBits(number);
            case BOOL, U8, I32, I64 -> throw new IllegalArgumentException(dtype + " is not floating");
        };
    }

    /** Of all magnitudes, and of those that most functions are not trivial for. */
    private static long random(DType dtype, SplittableRandom random) {
        if (dtype.isBoolean()) {
            return random.nextInt(2);
        }
        if (random.nextBoolean() || !dtype.isFloating() && random.nextBoolean()) {
            return random.nextLong();
        }
        return dtype.isFloating() ? bits(dtype, random.nextDouble(-20, 20)) : random.nextInt(-100, 100);
    }
}
