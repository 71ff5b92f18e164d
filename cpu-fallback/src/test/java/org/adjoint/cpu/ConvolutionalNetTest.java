package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Shape;
import org.adjoint.nn.Activation;
import org.adjoint.nn.AdaptiveAvgPool2d;
import org.adjoint.nn.Conv2d;
import org.adjoint.nn.Flatten;
import org.adjoint.nn.Linear;
import org.adjoint.nn.MaxPool2d;
import org.adjoint.nn.Sequential;
import org.adjoint.optim.AdamW;
import org.junit.jupiter.api.Test;

/** A small convolutional net learns to tell shapes apart, wherever in a noisy image they are. */
class ConvolutionalNetTest {
    private static final int SIZE = 12;
    private static final int BATCH = 64;
    private static final int CLASSES = 4;

    private final Random random = new Random(3);

    /** Whether a pixel of a 5 by 5 shape is lit: a bar, a column, a cross, a frame. */
    private static boolean isLit(int shape, int row, int column) {
        return switch (shape) {
            case 0 -> row == 2;
            case 1 -> column == 2;
            case 2 -> row == column || row + column == 4;
            default -> row == 0 || row == 4 || column == 0 || column == 4;
        };
    }

    private int[] fill(float[] images) {
        int[] labels = new int[BATCH];
        for (int i = 0; i < BATCH; i++) {
            labels[i] = random.nextInt(CLASSES);
            int top = random.nextInt(SIZE - 4);
            int left = random.nextInt(SIZE - 4);
            for (int at = 0; at < SIZE * SIZE; at++) {
                int row = at / SIZE - top;
                int column = at % SIZE - left;
                boolean inside = row >= 0 && row < 5 && column >= 0 && column < 5 && isLit(labels[i], row, column);
                images[i * SIZE * SIZE + at] = (inside ? 1 : 0) + 0.1f * (float) random.nextGaussian();
            }
        }
        return labels;
    }

    @Test
    void learnsShapes() {
        try (Device device = Device.open("cpu")) {
            Convolution padded = Convolution.DEFAULT.padding(1);
            Sequential net = Sequential.of(Conv2d.of(1, 8, 3, padded), Activation.RELU, MaxPool2d.of(2),
                Conv2d.of(8, 16, 3, padded.stride(2)), Activation.RELU,
                new MaxPool2d(Pooling.of(2).stride(1)), AdaptiveAvgPool2d.of(1), Flatten.of(), Linear.of(16, CLASSES))
                .initialize(device, 1);
            AdamW adam = AdamW.of(net.parameters()).learningRate(1e-2);
            Step step = Step.compile(device, (Tensor x, Tensor y) -> {
                Tensor loss = net.forward(x).crossEntropy(y);
                adam.minimize(loss);
                return loss;
            });
            float[] images = new float[BATCH * SIZE * SIZE];
            double recent = 0;
            for (int i = 0; i < 90; i++) {
                int[] labels = fill(images);
                try (Tensor x = device.tensor(images, Shape.of(BATCH, 1, SIZE, SIZE)); Tensor y = device.tensor(labels);
                    Tensor loss = step.run(x, y)) {
                    recent = i == 0 ? loss.item() : 0.9 * recent + 0.1 * loss.item();
                }
            }
            // Guessing costs log(4) = 1.39.
            assertTrue(recent < 0.1, "the loss stays at " + recent);
        }
    }
}
