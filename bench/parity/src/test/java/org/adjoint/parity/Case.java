package org.adjoint.parity;

import java.util.List;
import org.adjoint.gradcheck.TensorFunction;

/** One application of an operation: by us, and by PyTorch as an expression over {@code x0}, {@code x1}, ... */
record Case(List<Argument> arguments, TensorFunction ours, String torch) {
    static Case of(TensorFunction ours, String torch, Argument... arguments) {
        return new Case(List.of(arguments), ours, torch);
    }

    @Override
    public String toString() {
        return torch + " of " + arguments;
    }
}
