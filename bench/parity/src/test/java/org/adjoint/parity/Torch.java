package org.adjoint.parity;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.adjoint.graph.Shape;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.CompilationUnit;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.QualifiedName;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** PyTorch, which runs expressions of TorchScript over the arguments {@code x0}, {@code x1}, ... */
final class Torch {
    /** A result as doubles, and the gradients of the floating arguments where they were asked for. */
    record Outcome(Shape shape, double[] values, List<double[]> gradients) { }

    private Torch() { }

    /** Compiled once for all dtypes. */
    static CompilationUnit compile(String expression, int arguments) {
        String names = IntStream.range(0, arguments).mapToObj(i -> "x" + i).collect(Collectors.joining(", "));
        return torch.compile("def f(" + names + "):\n    return " + expression + "\n");
    }

    /**
     * @param cotangent of the result, null where no gradients are asked for
     * @throws RuntimeException with PyTorch's message if it refuses
     */
    static Outcome run(CompilationUnit unit, List<Argument> arguments, ScalarType floating, double[] cotangent) {
        try (PointerScope scope = new PointerScope()) {
            List<Tensor> tensors = new ArrayList<>();
            IValueVector stack = new IValueVector();
            for (Argument argument : arguments) {
                Tensor tensor = tensor(argument, floating);
                if (argument.isFloating() && cotangent != null) {
                    tensor.requires_grad_(true);
                }
                tensors.add(tensor);
                stack.push_back(new IValue(tensor));
            }
            Tensor result = unit.get_function(new QualifiedName("f")).apply(stack).toTensor();
            List<double[]> gradients = new ArrayList<>();
            if (cotangent != null) {
                Tensor dy = fromDoubles(cotangent, result.sizes().vec().get()).to(result.scalar_type());
                result.backward(dy, new BoolOptional(), false, new TensorArrayRefOptional());
                for (int i = 0; i < tensors.size(); i++) {
                    if (arguments.get(i).isFloating()) {
                        Tensor gradient = tensors.get(i).grad();
                        gradients.add(gradient.defined() ? doubles(gradient)
                            : new double[(int) arguments.get(i).shape().elements()]);
                    }
                }
            }
            return new Outcome(Shape.of(result.sizes().vec().get()), doubles(result.detach()), gradients);
        }
    }

    private static Tensor tensor(Argument argument, ScalarType floating) {
        ScalarType type = switch (argument.kind()) {
            case BOOL -> ScalarType.Bool;
            case I64 -> ScalarType.Long;
            default -> floating;
        };
        Tensor memory = fromDoubles(argument.values(), argument.base().toArray()).to(type);
        long last = argument.base().rank() - 1;
        return (switch (argument.layout()) {
            case CONTIGUOUS -> memory;
            case TRANSPOSED -> memory.transpose(argument.axis(), last);
            case STRIDED -> memory.slice(argument.axis(), new LongOptional(1),
                new LongOptional(argument.base().extent(argument.axis()) / 2 * 2), 2);
            case EXPANDED -> memory.expand(argument.shape().toArray());
        }).detach();
    }

    private static Tensor fromDoubles(double[] values, long[] shape) {
        if (values.length == 0) {
            return torch.zeros(shape, new TensorOptions(ScalarType.Double));
        }
        return torch.from_blob(new DoublePointer(values), shape, new TensorOptions(ScalarType.Double)).clone();
    }

    private static double[] doubles(Tensor tensor) {
        double[] values = new double[(int) tensor.numel()];
        if (values.length > 0) {
            Tensor dense = tensor.to(ScalarType.Double).contiguous();
            new DoublePointer(dense.data_ptr_double()).get(values);
        }
        return values;
    }
}
