package org.adjoint.contract;

import java.util.List;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.TensorFunction;

/**
 * Arguments that an operation must refuse.
 *
 * @param error what is thrown
 * @param message what its message contains
 */
record Refusal(List<Operand> operands, TensorFunction function, Class<? extends RuntimeException> error,
    String message) {
    /** Refused at once, as an {@link IllegalArgumentException}. */
    static Refusal of(String message, TensorFunction function, Operand... operands) {
        return new Refusal(List.of(operands), function, IllegalArgumentException.class, message);
    }

    /** Refused in a traced function, as an {@link IllegalStateException}. */
    static Refusal whenTraced(String message, TensorFunction function, Operand... operands) {
        return new Refusal(List.of(operands), x -> {
            try (Step step = Step.compileAll(x[0].device(), all -> List.of(function.apply(all.toArray(Tensor[]::new))))) {
                return step.runAll(List.of(x)).getFirst();
            }
        }, IllegalStateException.class, message);
    }

    /** Refused when it is computed, as an {@link IndexOutOfBoundsException}. */
    static Refusal whenComputed(String message, TensorFunction function, Operand... operands) {
        return new Refusal(List.of(operands), function, IndexOutOfBoundsException.class, message);
    }
}
