package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.FusedOp;
import org.adjoint.graph.NeuralOps;
import org.adjoint.graph.Node;
import org.adjoint.graph.Ops;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;
import org.junit.jupiter.api.Test;

/** In which order steps run where the program leaves it open. */
class ScheduleTest {
    private static Node leaf(long... extents) {
        return Ops.leaf(new TensorType(DType.F32, Shape.of(extents)));
    }

    /** Small updates of an optimizer follow each other at the end; a large one runs when its gradient is there. */
    @Test
    void smallUpdatesRunTogetherAtTheEnd() {
        List<Program.Store> stores = new ArrayList<>();
        Node x = leaf(512, 512);
        for (int i = 0; i < 4; i++) {
            Node parameter = i == 1 ? leaf(512, 512) : leaf(512);
            Node product = Ops.matmul(x, leaf(512, 512));
            Node gradient = i == 1 ? product : Ops.reduce(ReduceOp.SUM, product, List.of(0));
            Node first = Ops.leaf(parameter.type());
            Node second = Ops.leaf(parameter.type());
            Node update = NeuralOps.adamWUpdate(new FusedOp.AdamWUpdate(0.9, 0.99, 1e-8, 0), parameter, first, second,
                gradient, leaf(), leaf(), leaf(), null);
            stores.add(new Program.Store(parameter, update.output(0)));
            stores.add(new Program.Store(first, update.output(1)));
            stores.add(new Program.Store(second, update.output(2)));
            x = Ops.tanh(product);
        }
        Plan plan = Planner.plan(Program.of(List.of(), stores, List.of(), true), new TestTarget(true, true, true, true));
        PlanChecker.check(plan);
        List<Integer> updates = new ArrayList<>();
        for (int i = 0; i < plan.steps().size(); i++) {
            if (plan.steps().get(i) instanceof PlanStep.Kernel kernel && kernel.op() instanceof FusedOp.AdamWUpdate) {
                updates.add(i);
            }
        }
        int last = plan.steps().size() - 1;
        assertEquals(List.of(last - 2, last - 1, last), updates.subList(1, 4));
        long products = plan.steps().subList(updates.getFirst(), last + 1).stream()
            .filter(step -> step instanceof PlanStep.Kernel kernel && kernel.op().name().equals("matmul")).count();
        assertEquals(2, products, "products left when the large update runs");
    }
}
