package org.adjoint.nn;

import java.util.List;
import java.util.stream.Collectors;
import org.adjoint.Tensor;

/**
 * Layers one after the other. The parameters of layer i are named {@code "i.weight"} and so on, counting all layers, as
 * in PyTorch. A lambda is a layer too, as long as it uses no parameters: those would go unseen.
 */
public final class Sequential extends Module<Sequential> implements Layer {
    private final List<Layer> layers;

    private Sequential(List<Layer> layers) {
        this.layers = layers;
        for (int i = 0; i < layers.size(); i++) {
            if (layers.get(i) instanceof Module<?> module) {
                child(Integer.toString(i), module);
            }
        }
    }

    public static Sequential of(Layer... layers) {
        return new Sequential(List.of(layers));
    }

    @Override
    public Tensor forward(Tensor x) {
        Tensor y = x;
        for (Layer layer : layers) {
            y = layer.forward(y);
        }
        return y;
    }

    @Override
    public String toString() {
        return layers.stream().map(Layer::toString).collect(Collectors.joining(", ", "Sequential(", ")"));
    }
}
