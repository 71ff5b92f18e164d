package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.adjoint.autodiff.Autodiff;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.ClassLossOps;
import org.adjoint.graph.CrossEntropyOptions;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.IndexingOps;
import org.adjoint.graph.NeuralOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.NormalizationOps;
import org.adjoint.graph.Op;
import org.adjoint.graph.Ops;
import org.adjoint.graph.RandomOps;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.adjoint.graph.UnaryOp;
import org.junit.jupiter.api.Test;

/** What plans look like: what is fused, what is stored where, what is held for how long. */
class PlanShapeTest {
    private static final TestTarget FUSING = new TestTarget(true, true, true, true);
    private static final TestTarget PLAIN = new TestTarget(true, true, false, false);

    private static Node leaf(DType dtype, long... extents) {
        return Ops.leaf(new TensorType(dtype, Shape.of(extents)));
    }

    private static Node leaf(long... extents) {
        return leaf(DType.F32, extents);
    }

    private static Plan plan(Target target, List<Program.Store> stores, Node... results) {
        Plan plan = Planner.plan(Program.of(List.of(results), stores, List.of(), true), target);
        PlanChecker.check(plan);
        return plan;
    }

    private static Plan plan(Node... results) {
        return plan(FUSING, List.of(), results);
    }

    private static PlanStep.Elementwise group(Plan plan, int step) {
        return assertInstanceOf(PlanStep.Elementwise.class, plan.steps().get(step));
    }

    private static List<String> kernels(Plan plan) {
        return plan.steps().stream().filter(PlanStep.Kernel.class::isInstance)
            .map(step -> ((PlanStep.Kernel) step).op().name()).toList();
    }

    private static long groups(Plan plan) {
        return plan.steps().stream().filter(PlanStep.Elementwise.class::isInstance).count();
    }

    @Test
    void aChainIsOnePassOverMemoryOfOneAxis() {
        Node x = leaf(2, 3, 4);
        Node y = x;
        for (int i = 0; i < 10; i++) {
            y = Ops.max(Ops.add(Ops.mul(y, x), 1), Ops.constant(DType.F32, i));
        }
        Plan plan = plan(y);
        assertEquals(1, plan.steps().size());
        assertEquals(1, group(plan, 0).inputs().size());
        assertEquals(List.of(24L), Arrays.stream(group(plan, 0).extents()).boxed().toList());
        assertEquals(0, plan.arenaBytes());
    }

    @Test
    void withoutFusionEachOperationIsAStepAndMemoryIsReusedInPlace() {
        Node y = leaf(100);
        for (int i = 0; i < 20; i++) {
            y = Ops.tanh(y);
        }
        Plan plan = plan(PLAIN, List.of(), y);
        assertEquals(20, plan.steps().size());
        assertEquals(448, plan.arenaBytes());
    }

    @Test
    void movementIsViewsWhereStridesCanSayIt() {
        Node x = leaf(4, 6);
        Node moved = Ops.flip(Ops.permute(Ops.reshape(Ops.slice(x, 1, 1, 5), Shape.of(4, 2, 2)), 2, 0, 1), 1);
        Plan plan = plan(Ops.exp(moved));
        assertEquals(1, plan.steps().size());
        View input = group(plan, 0).inputs().getFirst();
        assertEquals(1 + 3 * 6, input.offset());
        assertTrue(Arrays.stream(input.strides()).anyMatch(stride -> stride == -6));
    }

    @Test
    void aReductionJoinsWhatItFolds() {
        Node x = leaf(32, 100);
        Node squares = Ops.mul(x, x);
        Plan rows = plan(Ops.reduce(ReduceOp.SUM, squares, List.of(1)));
        assertEquals(1, rows.steps().size());
        assertEquals(1, group(rows, 0).reducedAxes());
        Plan columns = plan(Ops.reduce(ReduceOp.SUM, squares, List.of(0)), squares);
        assertEquals(1, columns.steps().size());
        assertEquals(100, group(columns, 0).extents()[0]);
        assertEquals(32, group(columns, 0).extents()[1]);
        assertEquals(1, group(columns, 0).inputs().getFirst().strides()[0]);
    }

    @Test
    void whatNeedsAReductionComesAfterIt() {
        Node x = leaf(32, 100);
        Node e = Ops.exp(x);
        Plan plan = plan(Ops.div(e, Ops.sumKeep(e)));
        assertEquals(2, plan.steps().size());
        // e is computed again from x rather than kept.
        assertEquals(0, group(plan, 1).inputs().getFirst().slot());
        assertEquals(128, plan.arenaBytes());
    }

    /** Only what GELU was given is held for its gradient, not the tanh within. */
    @Test
    void theBackwardPassRecomputesWhatIsCheap() {
        Node x = leaf(64, 64);
        Node w1 = leaf(64, 256);
        Node w2 = leaf(256, 64);
        Node hidden = Ops.matmul(x, w1);
        Node y = Ops.matmul(NeuralOps.geluTanh(hidden), w2);
        Node loss = Ops.sum(Ops.mul(y, y));
        List<Node> gradients = Autodiff.pullback(List.of(loss), List.of(Ops.onesLike(loss)), List.of(w1, w2));
        Plan plan = plan(gradients.get(0), gradients.get(1), loss);
        long wide = 64 * 256 * 4;
        long stored = plan.slots().stream()
            .filter(slot -> slot.kind() == Slot.Kind.ARENA && slot.bytes() == wide).count();
        // What the first product gives, GELU of it, and the cotangent, which turns into the gradient in place.
        assertEquals(3, stored, PlanPrinter.explain(plan));
    }

    @Test
    void groupsKeepToTheirLimits() {
        Node x = leaf(100);
        Node y = x;
        for (int i = 0; i < 200; i++) {
            y = Ops.sin(y);
        }
        List<Node> parts = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            parts.add(leaf(100));
            y = Ops.add(y, parts.getLast());
        }
        Plan plan = plan(y);
        for (int i = 0; i < plan.steps().size(); i++) {
            assertTrue(group(plan, i).inputs().size() <= Fusion.MAX_LOADS);
            assertTrue(group(plan, i).group().body().size() <= Fusion.MAX_INSTRUCTIONS + Fusion.MAX_LOADS);
        }
        assertTrue(plan.notes().getFirst().contains("limit of 48 instructions"), plan.notes().getFirst());
    }

    @Test
    void noPathLeavesAGroupAndComesBack() {
        Node x = leaf(16, 16);
        Node a = Ops.exp(x);
        Plan plan = plan(Ops.add(Ops.matmul(a, a), a));
        assertEquals(3, plan.steps().size());
        assertEquals(List.of("matmul"), kernels(plan));
    }

    @Test
    void groupsThatReadEachOtherInAnotherOrderStayApart() {
        Node a = Ops.exp(leaf(16, 16));
        assertEquals(2, plan(Ops.add(a, Ops.sin(Ops.transpose(a)))).steps().size());
    }

    @Test
    void kernelsOverwriteOnlyWhatTheyUpdate() {
        Node x = leaf(16, 16);
        Node updates = Ops.exp(leaf(16, 16));
        Node scattered = IndexingOps.scatterAdd(x, 0, leaf(DType.I32, 16, 16), updates);
        Plan plan = plan(Ops.matmul(scattered, scattered));
        assertEquals(2 * 1024, plan.arenaBytes());
        Plan updated = plan(Ops.matmul(x, IndexingOps.scatterAdd(updates, 0, leaf(DType.I32, 16, 16), x)));
        assertEquals(1024, updated.arenaBytes());
    }

    @Test
    void aStoredUpdateHappensInPlace() {
        Node w = leaf(100);
        Node g = leaf(100);
        Plan plan = plan(FUSING, List.of(new Program.Store(w, Ops.sub(w, Ops.mul(g, 0.1)))));
        assertEquals(1, plan.steps().size());
        assertEquals(0, group(plan, 0).outputs().getFirst().slot());
        assertEquals(0, plan.arenaBytes());
    }

    @Test
    void aReaderOfTheOldValueRunsFirst() {
        Node w = leaf(16, 16);
        Node next = Ops.mul(w, 2);
        Plan plan = plan(FUSING, List.of(new Program.Store(w, next)), Ops.matmul(w, w));
        assertEquals(List.of("matmul"), kernels(plan));
        assertInstanceOf(PlanStep.Kernel.class, plan.steps().getFirst());
        assertEquals(0, plan.arenaBytes());
    }

    @Test
    void aReaderOfOldAndNewMakesACopy() {
        Node w = leaf(128, 128);
        Node next = Ops.exp(w);
        Node product = Ops.matmul(w, next);
        Plan plan = plan(FUSING, List.of(new Program.Store(w, next)), Ops.matmul(product, product));
        assertEquals(List.of("matmul", "matmul"), kernels(plan));
        assertEquals(4, plan.steps().size());
        int copy = plan.steps().indexOf(plan.steps().stream().filter(step -> step.outputs().getFirst().slot() == 0)
            .findFirst().orElseThrow());
        assertTrue(copy > 1, PlanPrinter.explain(plan));
    }

    @Test
    void variablesThatSwapGoThroughOneCopy() {
        Node a = leaf(16, 16);
        Node b = leaf(16, 16);
        Plan plan = plan(FUSING, List.of(new Program.Store(a, b), new Program.Store(b, a)));
        assertEquals(3, plan.steps().size());
        assertEquals(1024, plan.arenaBytes());
    }

    @Test
    void aCacheIsUpdatedInPlaceHoweverOften() {
        Node cache = leaf(4, 1024, 64);
        Node starts = leaf(DType.I64, 3);
        Node first = IndexingOps.dynamicUpdateSlice(cache, leaf(4, 1, 64), starts);
        Node second = IndexingOps.dynamicUpdateSlice(first, leaf(4, 1, 64), leaf(DType.I64, 3));
        Plan plan = plan(FUSING, List.of(new Program.Store(cache, second)), Ops.matmul(second, leaf(4, 64, 8)));
        assertEquals(3, plan.steps().size());
        assertEquals(plan.steps().get(0).inputs().getFirst(), plan.steps().get(0).outputs().getFirst());
        assertEquals(plan.steps().get(1).inputs().getFirst(), plan.steps().get(1).outputs().getFirst());
        assertEquals(0, plan.arenaBytes());
    }

    @Test
    void updatesRunAsSoonAsTheyCanSoThatGradientsAreFreed() {
        int layers = 8;
        Node x = leaf(128, 128);
        List<Node> weights = new ArrayList<>();
        Node y = x;
        for (int i = 0; i < layers; i++) {
            weights.add(leaf(128, 128));
            y = Ops.tanh(Ops.matmul(y, weights.getLast()));
        }
        Node loss = Ops.sum(y);
        List<Node> gradients = Autodiff.pullback(List.of(loss), List.of(Ops.onesLike(loss)), weights);
        Node rate = leaf();
        Node one = Ops.exp(leaf());
        List<Program.Store> stores = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            Node m = leaf(128, 128);
            Node v = leaf(128, 128);
            Node update = NeuralOps.adamWUpdate(new FusedOp.AdamWUpdate(0.9, 0.999, 1e-8, 0), weights.get(i), m, v,
                gradients.get(i), rate, one, one, null);
            stores.add(new Program.Store(weights.get(i), update.output(0)));
            stores.add(new Program.Store(m, update.output(1)));
            stores.add(new Program.Store(v, update.output(2)));
        }
        Plan plan = plan(FUSING, stores, loss);
        for (PlanStep step : plan.steps()) {
            if (step instanceof PlanStep.Kernel kernel && kernel.op() instanceof FusedOp.AdamWUpdate) {
                assertEquals(kernel.inputs().subList(0, 3), kernel.outputs());
            }
        }
        List<String> order = kernels(plan);
        assertTrue(order.indexOf("adamWUpdate") < order.lastIndexOf("matmul"), PlanPrinter.explain(plan));
        long matrix = 128 * 128 * 4;
        assertTrue(plan.arenaBytes() <= (layers + 3) * matrix, PlanPrinter.explain(plan));
    }

    /** What three slices of one tensor give back is put together without filling or adding whole tensors. */
    @Test
    void gradientsOfSlicesAreConcatenated() {
        Node qkv = Ops.exp(leaf(8, 96));
        Node product = null;
        for (int i = 0; i < 3; i++) {
            Node part = Ops.sin(Ops.slice(qkv, 1, 32L * i, 32L * (i + 1)));
            product = product == null ? part : Ops.mul(product, part);
        }
        Node loss = Ops.sum(product);
        Node gradient = Autodiff.pullback(List.of(loss), List.of(Ops.onesLike(loss)), List.of(qkv)).getFirst();
        Plan plan = plan(gradient);
        long written = plan.steps().stream().flatMap(step -> step.outputs().stream())
            .filter(view -> view.slot() == plan.externals() - 1).mapToLong(view -> view.shape().elements()).sum();
        assertEquals(8 * 96, written, PlanPrinter.explain(plan));
    }

    @Test
    void commonSubexpressionsAreComputedOnceButRandomStreamsStayApart() {
        Node x = leaf(16, 16);
        Plan twice = plan(Ops.matmul(x, Ops.transpose(x)), Ops.matmul(x, Ops.transpose(x)));
        assertEquals(List.of("matmul"), kernels(twice));
        Node state = leaf(DType.I64, 2);
        Shape shape = Shape.of(64);
        for (boolean known : new boolean[] {true, false}) {
            Node first = RandomOps.uniform(DType.F32, shape, state, Ops.constant(DType.I64, 0L));
            Node second = RandomOps.uniform(DType.F32, shape, state, Ops.constant(DType.I64, 1L));
            Program program = Program.of(List.of(first, second), List.of(), List.of(), known);
            assertEquals(2, kernels(Planner.plan(program, FUSING)).size());
        }
    }

    @Test
    void unknownConstantsAreNotLookedAt() {
        Node x = leaf(64);
        Program one = Program.of(List.of(Ops.mul(x, 1)), List.of(), List.of(), false);
        Program two = Program.of(List.of(Ops.mul(x, 2)), List.of(), List.of(), false);
        assertEquals(one.structure(), two.structure());
        PlanStep.Elementwise step = group(Planner.plan(one, FUSING), 0);
        assertEquals(1, step.scalars().length);
        assertNotEquals(one.structure(), Program.of(List.of(Ops.mul(x, 1)), List.of(), List.of(), true).structure());
        assertEquals(0, group(plan(Ops.mul(x, 1)), 0).scalars().length);
    }

    @Test
    void sixteenBitValuesAreRoundedOnceByTheStore() {
        Node x = leaf(DType.BF16, 64);
        Node y = Ops.cast(Ops.exp(Ops.widen(Ops.mul(x, x))), DType.BF16);
        PlanStep.Elementwise step = group(plan(y), 0);
        assertEquals(List.of(
            new Instruction.Load(0, DType.F32), new Instruction.Binary(BinaryOp.MUL, 0, 0, DType.F32),
            new Instruction.Unary(UnaryOp.EXP, 1, DType.F32)), step.group().body());
        assertEquals(List.of(new Group.Result(2, DType.BF16, null)), step.group().results());
        // Where the rounded value goes on, it is rounded there.
        assertEquals(4, group(plan(y, Ops.neg(y)), 0).group().body().stream()
            .filter(line -> !(line instanceof Instruction.Load)).count());
    }

    @Test
    void constantsOfDecompositionsTravelWithThePlan() {
        Node x = leaf(8, 16);
        Node y = NormalizationOps.layerNorm(x, leaf(16), leaf(16), 1e-5);
        Program program = Program.of(List.of(y), List.of(), List.of(), false);
        assertEquals(0, program.scalars().length);
        Plan plan = Planner.plan(program, new TestTarget(false, true, true, true));
        assertEquals(List.of(Double.doubleToRawLongBits((float) (1.0 / 16)), Double.doubleToRawLongBits((float) 1e-5)),
            plan.extraScalars());
        assertEquals(2, plan.withExtra(new long[0]).length);
    }

    @Test
    void kernelsGetTheViewsTheyTakeAndCopiesOfOthers() {
        Node x = leaf(16, 32);
        Node product = Ops.matmul(Ops.transpose(x), x);
        assertEquals(1, plan(product).steps().size());
        Plan copied = plan(new TestTarget(true, false, true, true), List.of(), product);
        assertEquals(2, copied.steps().size());
        assertEquals(16 * 32 * 4, copied.arenaBytes());
    }

    @Test
    void nothingIsDoneForNothing() {
        Node empty = leaf(0, 3);
        assertEquals(0, plan(Ops.exp(empty)).steps().size());
        Plan sums = plan(Ops.reduce(ReduceOp.SUM, empty, List.of(0)));
        assertEquals(1, sums.steps().size());
        Node same = leaf(3);
        assertEquals(0, plan(FUSING, List.of(new Program.Store(same, Ops.reshape(Ops.neg(Ops.neg(same)), Shape.of(3)))))
            .steps().size());
    }

    @Test
    void aHundredThousandNodesArePlannedInSeconds() {
        assertTimeoutPreemptively(Duration.ofSeconds(120), () -> {
            Node x = leaf(100);
            Node y = x;
            for (int i = 0; i < 100_000; i++) {
                y = Ops.add(y, x);
            }
            Program program = Program.of(List.of(y), List.of(), List.of(), true);
            Plan fused = Planner.plan(program, FUSING);
            assertEquals(100_000 / Fusion.MAX_INSTRUCTIONS + 1, fused.steps().size());
            assertEquals(100_000, Planner.plan(program, PLAIN).steps().size());
        });
    }

    @Test
    void explainNamesStepsAndTotals() {
        Node x = leaf(32, 8);
        String text = PlanPrinter.explain(plan(Ops.sumKeep(Ops.max(Ops.matmul(x, Ops.transpose(x)), leaf(32)))));
        assertEquals("""
               0  %3 f32(32, 32) = matmul(%0 f32(32, 8), %0 f32(8, 32) strides [1, 8])  [reads 2048 B, writes 4096 B]
               1  (32 | 32): %2.f32<1,0> = sum(max(%3.f32, %1.f32<0,1>))  [reads 4224 B, writes 128 B]  \
            (stored for result 0)
            2 steps, 10 kB moved: 6272 B read, 4224 B written
            4096 B arena for 4096 B of intermediates, 1280 B in 3 external buffers
            """, text);
    }

    @Test
    void equalProgramsGetEqualPlans() {
        assertEquals(PlanPrinter.explain(someStep()), PlanPrinter.explain(someStep()));
    }

    private static Plan someStep() {
        return Planner.plan(new RandomProgram(5, 60).program(true), TestTarget.DECOMPOSING.getFirst());
    }

    @Test
    void everyKernelOperationIsPlanned() {
        Node x = leaf(4, 4);
        Node state = leaf(DType.I64, 2);
        Node bits = Ops.randomBits(Shape.of(8), state, Ops.constant(DType.I64, 3L));
        Plan plan = plan(Ops.argReduce(true, x, 0), Ops.iota(DType.I32, 8), bits, NeuralOps.softmax(x, 0));
        assertEquals(Set.of("argmax", "iota", "randomBits", "softmax"), Set.copyOf(kernels(plan)));
        assertTrue(groups(plan) >= 1);
        assertTrue(plan.steps().stream().noneMatch(step -> step instanceof PlanStep.Kernel kernel
            && kernel.op() instanceof Op.Constant));
    }

    /** The gradient of the weights joins the group of the losses, whose sum what it is merged with later waits for. */
    @Test
    void lateJoinsMakeNoCycle() {
        Node logits = leaf(5, 4);
        Node weights = leaf(4);
        Node loss = ClassLossOps.crossEntropy(logits, leaf(DType.I32, 5), weights,
            CrossEntropyOptions.DEFAULT.labelSmoothing(0.1).ignoredIndex(2));
        List<Node> gradients = Autodiff.pullback(List.of(loss), List.of(Ops.constant(DType.F32, 1.0)), List.of(weights));
        assertEquals(List.of("crossEntropy", "gather", "scatterAdd"), kernels(plan(gradients.getFirst())));
    }
}
