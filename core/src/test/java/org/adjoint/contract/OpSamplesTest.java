package org.adjoint.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.ComposedOp;
import org.adjoint.graph.Op;
import org.adjoint.graph.ReduceOp;
import org.adjoint.graph.UnaryOp;
import org.junit.jupiter.api.Test;

class OpSamplesTest {
    /** Applied by their enumerations' constants, each of which has a row of its own. */
    private static final Set<Class<?>> FAMILIES = Set.of(Op.Unary.class);

    @Test
    void everyOperationHasARow() {
        Set<Object> covered = Collections.newSetFromMap(new IdentityHashMap<>());
        OpSamples.ROWS.forEach(row -> covered.addAll(row.covers()));
        List<Object> all = new ArrayList<>();
        all.addAll(List.of(UnaryOp.values()));
        all.addAll(List.of(BinaryOp.values()));
        all.addAll(List.of(ReduceOp.values()));
        all.addAll(List.of(ComposedOp.values()));
        collect(Op.class, all);
        all.removeAll(FAMILIES);
        List<Object> missing = all.stream().filter(op -> !covered.contains(op)).toList();
        assertEquals(List.of(), missing, "operations without samples");
    }

    private static void collect(Class<?> sealed, List<Object> into) {
        for (Class<?> permitted : sealed.getPermittedSubclasses()) {
            if (permitted.isSealed()) {
                collect(permitted, into);
            } else {
                into.add(permitted);
            }
        }
    }

    @Test
    void everyRowHasTenSamplesAndANameOfItsOwn() {
        Set<String> names = new HashSet<>();
        for (OpRow row : OpSamples.ROWS) {
            assertTrue(row.cases().size() >= 10, row.name() + " has " + row.cases().size() + " samples");
            assertTrue(names.add(row.name()), row.name() + " is there twice");
        }
    }

    /** Beside tensors that no operation can use; fewer where a row says why. */
    @Test
    void everyRowRefusesThreeArguments() {
        for (OpRow row : OpSamples.ROWS) {
            int own = row.refusals().size();
            assertEquals(own < OpRow.OWN_REFUSALS, !row.whyFewRefusals().isEmpty(),
                row.name() + " refuses " + own + " arguments; why so few: \"" + row.whyFewRefusals() + "\"");
            int all = own + (row.hasTensorsToTake() ? OpRow.USELESS_TENSORS : 0);
            assertTrue(all >= OpRow.OWN_REFUSALS, row.name() + " refuses " + all + " arguments in all");
        }
    }

    /** Only differences show that a gradient is right, so a differentiable operation needs samples for them. */
    @Test
    void everyDifferentiableRowHasDifferences() {
        for (OpRow row : OpSamples.ROWS) {
            assertTrue(!row.isDifferentiable() || row.name().equals("stopGradient") || row.cases().stream()
                .anyMatch(sample -> sample.gradients() == SampleCase.Gradients.DIFFERENCED), row.name());
        }
    }
}
