package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.adjoint.Device;
import org.adjoint.contract.ContractSuite;
import org.adjoint.contract.OpResult;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the operations' contract asks of the CPU. That the reference's own gradients are right, core's tests show. */
class CpuContractTest {
    @Test
    void passesInEveryDtype() {
        passes(Map.of(), EnumSet.allOf(DType.class));
    }

    /** Scalar code, and the least vector: kernels that differ from the default's in width only share their code. */
    @ParameterizedTest
    @ValueSource(ints = {0, 128})
    void passesAtOtherWidths(int vectorBits) {
        passes(Map.of("vectorBits", Integer.toString(vectorBits), "threads", "1"), EnumSet.of(DType.F32, DType.I64));
    }

    private static void passes(Map<String, String> options, Set<DType> dtypes) {
        List<OpResult> results = ContractSuite.runInThreads(Runtime.getRuntime().availableProcessors(),
            () -> Device.open("cpu", options), suite -> suite.dtypes(dtypes).withoutDifferences());
        assertFalse(results.isEmpty());
        assertEquals("", String.join(System.lineSeparator(),
            results.stream().filter(result -> !result.passed()).map(OpResult::message).toList()));
    }
}
