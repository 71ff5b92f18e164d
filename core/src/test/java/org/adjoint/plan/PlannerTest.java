package org.adjoint.plan;

import org.junit.jupiter.api.Test;

/** Plans compute what the nodes mean one by one, on programs that nobody thought of. */
class PlannerTest {
    @Test
    void randomProgramsComputeTheirMeaning() {
        int programs = Integer.getInteger("adjoint.test.randomPrograms", 150);
        for (int seed = 0; seed < programs; seed++) {
            check(new RandomProgram(seed, 10 + seed % 40), "seed " + seed);
        }
    }

    @Test
    void chainsOfMovementComputeTheirMeaning() {
        for (int seed = 0; seed < 300; seed++) {
            check(new RandomProgram(seed, 6 + seed % 6, true), "movement, seed " + seed);
        }
    }

    private static void check(RandomProgram random, String name) {
        Meaning meaning = new Meaning(random.leaves);
        for (TestTarget target : TestTarget.DECOMPOSING) {
            for (boolean constantsKnown : new boolean[] {true, false}) {
                meaning.check(random.program(constantsKnown), target, name + " on " + target);
            }
        }
    }
}
