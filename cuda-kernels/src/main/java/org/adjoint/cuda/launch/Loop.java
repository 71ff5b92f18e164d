package org.adjoint.cuda.launch;

import java.util.List;
import org.adjoint.plan.PlanStep;

/**
 * The work of a scan's body, put on the stream once for each iteration, each time with other addresses.
 *
 * @param body one for each step of the body's plan
 */
public record Loop(PlanStep.Scan step, List<Prepared> body) implements Work {
    public Loop {
        body = List.copyOf(body);
    }

    /** The step as it is put on the stream. */
    public static Prepared of(PlanStep.Scan step, List<Prepared> body) {
        long workspace = body.stream().mapToLong(Prepared::workspaceBytes).max().orElse(0);
        return new Prepared(List.of(new Loop(step, body)), workspace, body.stream().anyMatch(Prepared::checksIndices));
    }
}
