package org.adjoint.plan;

import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.graph.ReduceOp;

/**
 * A fused elementwise program: what happens at one point of a loop domain. It holds no extent, stride, offset or scalar
 * value, so kernels compiled from equal groups are shared.
 *
 * @param inputs storage types of the operands that {@link Instruction.Load} reads
 * @param scalars types of the scalar arguments
 * @param body lines in order; a line reads earlier lines only
 * @param results what is written
 */
public record Group(List<DType> inputs, List<DType> scalars, List<Instruction> body, List<Result> results) {
    /**
     * A value that is written.
     *
     * @param value index of a line of the body
     * @param dtype storage type; 16-bit types are rounded to nearest even here
     * @param reduce what to fold the reduced axes of the domain with, or null to store every point
     */
    public record Result(int value, DType dtype, ReduceOp reduce) { }

    public Group {
        inputs = List.copyOf(inputs);
        scalars = List.copyOf(scalars);
        body = List.copyOf(body);
        results = List.copyOf(results);
    }

    public boolean reduces() {
        return results.stream().anyMatch(result -> result.reduce() != null);
    }
}
