package org.adjoint.bench.verify;

import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.adjoint.Device;
import org.adjoint.contract.ContractSuite;
import org.adjoint.contract.OpResult;
import org.adjoint.graph.DType;

/**
 * The contract suite, an item for each operation.
 *
 * @param differences whether the reference's gradients, which the device's are compared with, are held against
 *     differences themselves
 */
record ContractPart(String name, Supplier<Device> device, Set<DType> dtypes, boolean differences) implements Part {
    /** Every sample in every dtype: values, and gradients against those of the reference. */
    static ContractPart kernels(Supplier<Device> device) {
        return new ContractPart("kernels", device, EnumSet.allOf(DType.class), false);
    }

    /** Gradients on the device in {@code F64}, and the reference's against differences. */
    static ContractPart gradients(Supplier<Device> device) {
        return new ContractPart("gradients", device, EnumSet.of(DType.F64), true);
    }

    @Override
    public List<Item> items() {
        return ContractSuite.operations().stream().map(op -> new Item(op, () -> check(op))).toList();
    }

    /** Differences run on the reference; on the device there is nothing that the other part does not run. */
    @Override
    public List<Item> rehearsals() {
        return differences ? List.of() : items();
    }

    private Map<String, Object> check(String op) {
        ContractSuite suite = ContractSuite.on(device.get()).dtypes(dtypes).ops(op::equals);
        List<OpResult> results = (differences ? suite : suite.withoutDifferences()).run(_ -> { });
        Map<String, Object> worst = new LinkedHashMap<>();
        results.forEach(result -> worst.put(result.dtype().text(), result.worstRelativeError()));
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("passed", results.stream().allMatch(OpResult::passed));
        fields.put("samples", results.stream().mapToInt(OpResult::samples).sum());
        fields.put("worstRelativeError", worst);
        List<String> failures = results.stream().filter(result -> !result.passed()).map(OpResult::message).toList();
        if (!failures.isEmpty()) {
            fields.put("failures", failures);
        }
        return fields;
    }
}
