package org.adjoint.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.List;
import org.adjoint.Device;
import org.junit.jupiter.api.Test;

/** The reference against itself: refusals, dtypes, and above all its gradients against differences. */
class ReferenceContractTest {
    @Test
    void passesTheSuite() {
        List<OpResult> results = ContractSuite.runInThreads(Runtime.getRuntime().availableProcessors(),
            () -> Device.open("reference"), suite -> suite);
        assertFalse(results.isEmpty());
        assertEquals("", String.join(System.lineSeparator(),
            results.stream().filter(result -> !result.passed()).map(OpResult::message).toList()));
    }
}
