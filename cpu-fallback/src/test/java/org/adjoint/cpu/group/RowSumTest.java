package org.adjoint.cpu.group;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sums of rows have the bits of the order that is promised, at every width and in every tier. */
class RowSumTest {
    private static final int ROWS = 3;
    /** Elements of memory from one row to the next but those of the row. */
    private static final int GAP = 5;
    private static final int ROOTS = 40;

    @ParameterizedTest
    @ValueSource(ints = {1, 13, 31, 33, 127, 129, 702, 1025, 4098, 65_537})
    void rowsAreSummedInLanesThenChunksThenPieces(int length) {
        check(length, 0, plain(), x -> x);
        check(length, GAP, squared(), x -> x * x);
        if (length < 2000) {
            check(length, 0, rooted(), x -> {
                float y = x;
                for (int i = 0; i < ROOTS; i++) {
                    y = (float) Math.sqrt(Math.abs(y)) - x;
                }
                return y;
            });
        }
    }

    private interface Body {
        float of(float x);
    }

    private static List<Instruction> plain() {
        return List.of(new Instruction.Load(0, DType.F32));
    }

    private static List<Instruction> squared() {
        return List.of(new Instruction.Load(0, DType.F32), new Instruction.Binary(BinaryOp.MUL, 0, 0, DType.F32));
    }

    /** So long that it gets a loop of its own. */
    private static List<Instruction> rooted() {
        List<Instruction> body = new ArrayList<>(plain());
        for (int i = 0; i < ROOTS; i++) {
            int last = body.size() - 1;
            body.add(new Instruction.Unary(UnaryOp.ABS, last, DType.F32));
            body.add(new Instruction.Unary(UnaryOp.SQRT, last + 1, DType.F32));
            body.add(new Instruction.Binary(BinaryOp.SUB, last + 2, 0, DType.F32));
        }
        return List.copyOf(body);
    }

    private static void check(int length, int gap, List<Instruction> lines, Body body) {
        Group group = new Group(List.of(DType.F32), List.of(), lines,
            List.of(new Group.Result(lines.size() - 1, DType.F32, ReduceOp.SUM)));
        View x = new View(0, DType.F32, Shape.of(ROWS, length), new long[] {length + gap, 1}, 0);
        View y = new View(1, DType.F32, Shape.of(ROWS, length), new long[] {1, 0}, 0);
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, new long[] {ROWS, length}, 1, List.of(x),
            List.of(y), new int[0]);
        Random random = new Random(length);
        int total = ROWS * (length + gap);
        float[] values = new float[total];
        IntStream.range(0, total).forEach(i -> values[i] = (float) random.nextGaussian());
        for (int width : new int[] {0, 128, 256, 512}) {
            for (Tier tier : List.of(Tier.COMPILED, Tier.BLOCKS)) {
                try (Arena arena = Arena.ofShared(); GroupCompiler compiler = new GroupCompiler(width, tier)) {
                    MemorySegment[] slots = {arena.allocate(4L * total + 64, 64), arena.allocate(64, 64)};
                    MemorySegment.copy(values, 0, slots[0], ValueLayout.JAVA_FLOAT, 0, total);
                    compiler.prepare(step).run(slots, new long[0], GroupTest.BACKWARDS);
                    for (int row = 0; row < ROWS; row++) {
                        int at = row * (length + gap);
                        assertEquals(sum(Arrays.copyOfRange(values, at, at + length), body),
                            slots[1].getAtIndex(ValueLayout.JAVA_FLOAT, row),
                            width + " bits " + tier + " gap " + gap + " lines " + lines.size());
                    }
                }
            }
        }
    }

    /** 64 lanes in chunks of 4,096 in pieces of 65,536. */
    private static float sum(float[] x, Body body) {
        float sum = 0;
        for (int piece = 0; piece < x.length; piece += 65_536) {
            float ofPiece = 0;
            for (int chunk = piece; chunk < Math.min(x.length, piece + 65_536); chunk += 4096) {
                float[] lanes = new float[64];
                for (int i = chunk; i < Math.min(x.length, chunk + 4096); i++) {
                    lanes[i % 64] += body.of(x[i]);
                }
                for (int half = 32; half > 0; half /= 2) {
                    for (int i = 0; i < half; i++) {
                        lanes[i] += lanes[i + half];
                    }
                }
                ofPiece += lanes[0];
            }
            sum = piece == 0 ? ofPiece : sum + ofPiece;
        }
        return sum;
    }
}
