package org.adjoint.contract;

import java.util.List;
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

    /** Refused when it is computed, as an {@link IndexOutOfBoundsException}. */
    static Refusal whenComputed(String message, TensorFunction function, Operand... operands) {
        return new Refusal(List.of(operands), function, IndexOutOfBoundsException.class, message);
    }
}
