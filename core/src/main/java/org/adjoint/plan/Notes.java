package org.adjoint.plan;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;

/** Says for people why a step stands alone or why its group ended where it did. */
final class Notes {
    private static final int MAX_REASONS = 4;

    private Notes() { }

    /** @param leaves how many external slots are leaves */
    static String of(Task task, int leaves) {
        Set<String> reasons = new LinkedHashSet<>();
        for (Value output : task.outputs) {
            if (output.home != Value.ARENA) {
                reasons.add(output.home < leaves ? "stored in leaf " + output.home
                    : "stored for result " + (output.home - leaves));
            }
            for (Item reader : output.readers) {
                if (reader.isKernel()) {
                    reasons.add("read by " + reader.name());
                } else if (reader.unit != task.unit && !task.isKernel()) {
                    reasons.add("read by another group");
                }
            }
        }
        reasons.addAll(task.unit.refusals);
        return reasons.stream().limit(MAX_REASONS).collect(Collectors.joining("; "));
    }
}
