package org.adjoint.parity;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.adjoint.Variable;
import org.adjoint.graph.Shape;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.CompilationUnit;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.QualifiedName;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A model in PyTorch with the weights of one of ours, in f32: a body of TorchScript that makes {@code logits} of
 * {@code x} and of the parameters, named as ours with underscores for dots (and before a
 * digit), and an expression for the loss.
 */
final class TorchModel {
    private final CompilationUnit unit;
    private final Map<String, Tensor> parameters = new LinkedHashMap<>();
    private final AdamW optimizer;

    /**
     * @param body statements, indented by four spaces, after which {@code logits} has its value
     * @param loss an expression of {@code logits} and the targets {@code t}
     */
    TorchModel(Map<String, Variable> weights, String body, String loss, double learningRate) {
        TensorVector all = new TensorVector();
        weights.forEach((name, variable) -> {
            Tensor tensor = tensor(variable.tensor().toDoubleArray(), variable.shape().toArray())
                .to(ScalarType.Float).detach().requires_grad_(true);
            parameters.put(identifier(name), tensor);
            all.push_back(tensor);
        });
        String names = parameters.keySet().stream().map(name -> ", " + name).collect(Collectors.joining());
        unit = torch.compile("def logits(x" + names + "):\n" + body + "    return logits\n"
            + "def loss(x, t" + names + "):\n" + body + "    return " + loss + "\n");
        optimizer = new AdamW(all, new AdamWOptions(learningRate));
    }

    /** A parameter's name in TorchScript. */
    static String identifier(String name) {
        return (Character.isDigit(name.charAt(0)) ? "_" : "") + name.replace('.', '_');
    }

    double[] logits(Tensor x) {
        try (PointerScope scope = new PointerScope()) {
            return doubles(call("logits", x).detach());
        }
    }

    /** The gradients of the loss, by name with underscores. */
    Map<String, double[]> gradients(Tensor x, Tensor t) {
        try (PointerScope scope = new PointerScope()) {
            optimizer.zero_grad();
            call("loss", x, t).backward();
            Map<String, double[]> gradients = new LinkedHashMap<>();
            parameters.forEach((name, parameter) -> gradients.put(name, doubles(parameter.grad())));
            return gradients;
        }
    }

    /** A step of AdamW; the loss before it. */
    double step(Tensor x, Tensor t) {
        try (PointerScope scope = new PointerScope()) {
            optimizer.zero_grad();
            Tensor loss = call("loss", x, t);
            loss.backward();
            optimizer.step();
            return doubles(loss.detach())[0];
        }
    }

    private Tensor call(String function, Tensor... inputs) {
        List<Tensor> tensors = new ArrayList<>(List.of(inputs));
        tensors.addAll(parameters.values());
        IValueVector stack = new IValueVector();
        tensors.forEach(tensor -> stack.push_back(new IValue(tensor)));
        return unit.get_function(new QualifiedName(function)).apply(stack).toTensor();
    }

    static Tensor tensor(double[] values, long... shape) {
        return torch.from_blob(new DoublePointer(values), shape, new TensorOptions(ScalarType.Double)).clone();
    }

    static Tensor indices(long[] values, Shape shape) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return tensor(doubles, shape.toArray()).to(ScalarType.Long);
    }

    private static double[] doubles(Tensor tensor) {
        Tensor dense = tensor.to(ScalarType.Double).contiguous();
        double[] values = new double[(int) dense.numel()];
        new DoublePointer(dense.data_ptr_double()).get(values);
        return values;
    }
}
