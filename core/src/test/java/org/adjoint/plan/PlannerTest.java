package org.adjoint.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.graph.Node;
import org.adjoint.reference.ReferenceBackend;
import org.junit.jupiter.api.Test;

/** Plans compute what the nodes mean one by one. */
class PlannerTest {
    private final DeviceDriver driver = new ReferenceBackend().open(0, Map.of());

    @Test
    void randomProgramsComputeTheirMeaning() {
        int programs = Integer.getInteger("adjoint.test.randomPrograms", 150);
        for (int seed = 0; seed < programs; seed++) {
            RandomProgram random = new RandomProgram(seed, 10 + seed % 40);
            NodeByNode truth = new NodeByNode(driver, random.leaves);
            for (TestTarget target : TestTarget.DECOMPOSING) {
                for (boolean constantsKnown : new boolean[] {true, false}) {
                    compare(random, truth, random.program(constantsKnown), target,
                        "seed " + seed + " on " + target);
                }
            }
        }
    }

    private void compare(RandomProgram random, NodeByNode truth, Program program, Target target, String what) {
        Plan plan;
        try {
            plan = Planner.plan(program, target);
            PlanChecker.check(plan);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(what, e);
        }
        List<byte[]> memories = new ArrayList<>();
        program.leaves().forEach(leaf -> memories.add(random.leaves.get(leaf).clone()));
        program.results().forEach(result -> memories.add(new byte[(int) result.type().bytes()]));
        run(plan, program, memories);
        for (int i = 0; i < program.leaves().size(); i++) {
            Node value = program.leaves().get(i);
            for (Program.Store store : program.stores()) {
                value = store.target() == program.leaves().get(i) ? store.value() : value;
            }
            assertArrayEquals(truth.value(value), memories.get(i), what + ": leaf " + i);
        }
        for (int i = 0; i < program.results().size(); i++) {
            assertArrayEquals(truth.value(program.results().get(i)), memories.get(program.leaves().size() + i),
                what + ": result " + i);
        }
    }

    private void run(Plan plan, Program program, List<byte[]> memories) {
        long[] scalars = plan.withExtra(program.scalars());
        Plan bound = new Plan(plan.slots(), plan.steps(), plan.externals(), scalars.length, plan.arenaBytes(), plan.notes());
        NodeByNode.execute(driver, bound, memories, scalars);
    }
}
