package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.autodiff.Autodiff;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Node;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.ScanOps;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;
import org.junit.jupiter.api.Test;

/** What scans look like in plans. */
class ScanPlanTest {
    private static Node leaf(long... shape) {
        return Ops.leaf(new TensorType(DType.F32, Shape.of(shape)));
    }

    private static Plan plan(List<Node> results) {
        Plan plan = Planner.plan(Program.of(results, List.of(), List.of(), true), TestTarget.DECOMPOSING.getFirst());
        PlanChecker.check(plan);
        return plan;
    }

    /** {@code h' = tanh(h w + x)}, stacked. */
    private static ScanOps.Outcome network(Node x, Node h, Node w) {
        return ScanOps.scan(List.of(h), List.of(x), -1, false, (carries, slices, _) -> {
            Node next = Ops.unary(UnaryOp.TANH, Ops.add(Ops.matmul(carries.getFirst(), w), slices.getFirst()));
            return new ScanOps.Outcome(List.of(next), List.of(next));
        });
    }

    /** The outputs and the gradients of their sum. */
    private static List<Node> trained(long length) {
        List<Node> inputs = List.of(leaf(length, 4, 16), leaf(4, 16), leaf(16, 16));
        Node outputs = network(inputs.get(0), inputs.get(1), inputs.get(2)).outputs().getFirst();
        List<Node> results = new ArrayList<>(List.of(outputs));
        results.addAll(Autodiff.pullback(List.of(Ops.sum(outputs)), List.of(Ops.constant(DType.F32, 1.0)), inputs));
        return results;
    }

    private static List<PlanStep.Scan> scans(Plan plan) {
        return plan.steps().stream().filter(PlanStep.Scan.class::isInstance).map(PlanStep.Scan.class::cast).toList();
    }

    private static List<String> kernels(Plan plan) {
        return plan.steps().stream().filter(PlanStep.Kernel.class::isInstance)
            .map(step -> ((PlanStep.Kernel) step).op().name()).toList();
    }

    private static int steps(Plan plan) {
        return plan.steps().size() + scans(plan).stream().mapToInt(scan -> steps(scan.body())).sum();
    }

    @Test
    void neitherGraphNorPlanGrowsWithTheLength() {
        List<Node> shorter = trained(2);
        List<Node> longer = trained(100_000);
        assertEquals(Program.of(shorter, List.of(), List.of(), true).order().size(),
            Program.of(longer, List.of(), List.of(), true).order().size());
        assertEquals(steps(plan(shorter)), steps(plan(longer)));
    }

    @Test
    void anIterationOfASmallNetworkIsAProductAndAGroupWithoutCopies() {
        PlanStep.Scan scan = scans(plan(List.of(network(leaf(9, 4, 16), leaf(4, 16), leaf(16, 16)).outputs()
            .getFirst()))).getFirst();
        assertEquals(2, scan.body().steps().size());
        assertEquals(List.of("matmul"), kernels(scan.body()));
    }

    @Test
    void theGradientOfWeightsIsOneProductBehindTheLoop() {
        Plan plan = plan(trained(9));
        assertEquals(2, scans(plan).size());
        // The state's cotangent in the loop, the weights' behind it.
        assertEquals(List.of("matmul"), kernels(scans(plan).get(1).body()));
        assertEquals(List.of("matmul"), kernels(plan));
    }

    @Test
    void onlyWhatIsReadIsComputedAndStacked() {
        Node x = leaf(7, 16);
        ScanOps.Outcome outcome = ScanOps.scan(List.of(leaf(16), leaf(16)), List.of(x, leaf(7, 3)), -1, false,
            (carries, slices, _) -> new ScanOps.Outcome(List.of(Ops.add(carries.get(0), slices.get(0)),
                Ops.unary(UnaryOp.EXP, carries.get(1))), List.of(slices.get(1))));
        PlanStep.Scan scan = scans(plan(List.of(outcome.carries().getFirst()))).getFirst();
        assertEquals(1, scan.body().steps().size());
        assertEquals(2, scan.inputs().size());
        // The last carry, and the two places that it changes between.
        assertEquals(2, scan.outputs().size());
        assertEquals(2 * 64, scan.outputs().getLast().shape().elements());
    }

    @Test
    void equalLoopsAreOneAndLoopsThatDifferInAConstantAreTwo() {
        Node x = leaf(7, 16);
        Node h = leaf(16);
        List<Node> results = new ArrayList<>();
        for (double rate : new double[] {0.5, 0.5, 0.25}) {
            results.add(ScanOps.scan(List.of(h), List.of(x), -1, true, (carries, slices, _) -> new ScanOps.Outcome(
                List.of(Ops.add(Ops.binary(BinaryOp.MUL, carries.getFirst(), rate), slices.getFirst())), List.of()))
                .carries().getFirst());
        }
        assertEquals(body(results.get(0)), body(results.get(1)));
        assertEquals(body(results.get(0)).hashCode(), body(results.get(1)).hashCode());
        assertTrue(!body(results.get(0)).equals(body(results.get(2))));
        assertEquals(2, scans(plan(results)).size());
    }

    private static Object body(Node carry) {
        return ((Op.Scan) carry.input(0).op()).body();
    }

    /** Every slice is aligned as a tensor of its own is, so that kernels may overrun into its padding. */
    @Test
    void slicesOfOddSizeAreCopiedApart() {
        for (long width : new long[] {16, 3}) {
            Plan plan = plan(List.of(network(leaf(9, 1, width), leaf(1, width), leaf(width, width)).outputs()
                .getFirst()));
            // One copy to the loop and one from it, where slices do not fill what they are aligned to.
            assertEquals(width == 16 ? 1 : 3, plan.steps().size());
            PlanStep.Scan scan = scans(plan).getFirst();
            for (Slot slot : scan.body().slots()) {
                for (long iteration = 0; iteration < 9; iteration++) {
                    assertEquals(0, scan.place(slot, iteration).offset() % Plan.ALIGNMENT);
                }
            }
        }
    }

    @Test
    void aCarryIsReadWhereTheIterationBeforeWroteIt() {
        PlanStep.Scan scan = scans(plan(List.of(ScanOps.scan(List.of(leaf(16)), List.of(leaf(5, 16)), -1, true,
            (carries, slices, _) -> new ScanOps.Outcome(List.of(Ops.add(carries.getFirst(), slices.getFirst())),
                List.of())).carries().getFirst()))).getFirst();
        List<Slot> slots = scan.body().slots();
        Slot in = slots.get(0);
        Slot slice = slots.get(1);
        Slot out = slots.get(2);
        assertEquals(scan.inputs().get(0).slot(), scan.place(in, 0).slot());
        for (long i = 1; i < 5; i++) {
            assertEquals(scan.place(out, i - 1), scan.place(in, i));
            assertTrue(!scan.place(out, i).equals(scan.place(in, i)));
        }
        assertEquals(new PlanStep.Place(scan.outputs().getFirst().slot(), 0), scan.place(out, 4));
        assertEquals(4 * 64, scan.place(slice, 0).offset());
        assertEquals(0, scan.place(slice, 4).offset());
    }
}
