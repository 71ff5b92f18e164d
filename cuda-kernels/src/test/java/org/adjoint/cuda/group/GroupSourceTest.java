package org.adjoint.cuda.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.adjoint.cuda.launch.Launch;
import org.adjoint.cuda.launch.Source;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;
import org.junit.jupiter.api.Test;

/** Texts of groups hold no extent, stride, offset or scalar, so that one program serves many steps. */
class GroupSourceTest {
    private static Group scaledSum(ReduceOp reduce) {
        return new Group(List.of(DType.F32, DType.F32), List.of(DType.F32),
            List.of(new Instruction.Load(0, DType.F32), new Instruction.Load(1, DType.F32),
                new Instruction.Scalar(0, DType.F32), new Instruction.Binary(BinaryOp.ADD, 0, 1, DType.F32),
                new Instruction.Binary(BinaryOp.MUL, 2, 3, DType.F32)),
            List.of(new Group.Result(4, DType.F32, reduce)));
    }

    private static Source source(ReduceOp reduce, long[] extents, int reducedAxes, int scalar, long offset,
        long[]... strides) {
        View[] views = new View[3];
        for (int i = 0; i < 3; i++) {
            views[i] = new View(i, DType.F32, Shape.of(extents), strides[i], offset);
        }
        PlanStep.Elementwise step = new PlanStep.Elementwise(scaledSum(reduce), extents, reducedAxes,
            List.of(views[0], views[1]), List.of(views[2]), new int[] {scalar});
        return ((Launch) new GroupCompiler().prepare(step).work().getFirst()).source();
    }

    private static long[] of(long... values) {
        return values;
    }

    @Test
    void pointsOfAnyExtent() {
        Source one = source(null, of(1000), 0, 0, 0, of(1), of(0), of(1));
        assertEquals(one, source(null, of(123_456_789), 0, 7, 64, of(1), of(0), of(1)));
        assertEquals(one, source(null, of(30, 5000), 0, 1, 0, of(5000, 1), of(0, 0), of(5000, 1)));
    }

    @Test
    void stridedPointsOfAnyExtent() {
        Source one = source(null, of(20, 33), 0, 0, 0, of(1, 20), of(33, 1), of(33, 1));
        assertEquals(one, source(null, of(5, 7), 0, 2, 3, of(-2, 100), of(70, 4), of(70, 4)));
    }

    @Test
    void rowsOfAnyExtent() {
        Source one = source(ReduceOp.SUM, of(8, 100), 1, 0, 0, of(100, 1), of(100, 1), of(1, 0));
        assertEquals(one, source(ReduceOp.SUM, of(5000, 4000), 1, 3, 4, of(4000, 1), of(4000, 1), of(1, 0)));
    }

    @Test
    void columnsOfAnyExtent() {
        Source one = source(ReduceOp.SUM, of(128, 100_000), 1, 0, 0, of(1, 128), of(1, 128), of(1, 0));
        assertEquals(one, source(ReduceOp.SUM, of(256, 3000), 1, 3, 4, of(1, 256), of(1, 256), of(1, 0)));
    }

    @Test
    void howMemoryLiesIsPartOfTheText() {
        Source aligned = source(null, of(20, 32), 0, 0, 0, of(32, 1), of(0, 1), of(32, 1));
        Source offset = source(null, of(20, 32), 0, 0, 1, of(32, 1), of(0, 1), of(32, 1));
        Source broadcast = source(null, of(20, 32), 0, 0, 0, of(32, 1), of(1, 0), of(32, 1));
        Source huge = source(null, of(1L << 20, 1L << 12), 0, 0, 0, of(1L << 12, 1), of(0, 1), of(1L << 12, 1));
        assertNotEquals(aligned, offset);
        assertNotEquals(aligned, broadcast);
        assertNotEquals(aligned, huge);
    }

    /** What is folded along a row follows that row in memory, whatever is broadcast to it. */
    @Test
    void broadcastOperandsDoNotChooseTheLoop() {
        long[] extents = {64, 4000};
        View row = new View(0, DType.F32, Shape.of(extents), of(4000, 1), 0);
        View perRow = new View(1, DType.F32, Shape.of(extents), of(1, 0), 0);
        View result = new View(3, DType.F32, Shape.of(extents), of(1, 0), 0);
        Group group = new Group(List.of(DType.F32, DType.F32, DType.F32), List.of(),
            List.of(new Instruction.Load(0, DType.F32), new Instruction.Load(1, DType.F32),
                new Instruction.Load(2, DType.F32), new Instruction.Binary(BinaryOp.SUB, 0, 1, DType.F32),
                new Instruction.Binary(BinaryOp.MUL, 3, 2, DType.F32)),
            List.of(new Group.Result(4, DType.F32, ReduceOp.SUM)));
        PlanStep.Elementwise step = new PlanStep.Elementwise(group, extents, 1, List.of(row, perRow, perRow),
            List.of(result), new int[0]);
        Launch launch = (Launch) new GroupCompiler().prepare(step).work().getFirst();
        assertTrue(launch.source().text().contains("a piece of a row"), launch.source().text());
    }
}
