package org.adjoint.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.Interpolation;
import org.adjoint.graph.Pooling;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConvolutionLayersTest {
    private Device device;

    @BeforeEach
    void open() {
        device = Device.open("reference");
    }

    @AfterEach
    void close() {
        device.close();
    }

    private static String refusal(Runnable action) {
        return assertThrows(IllegalArgumentException.class, action::run).getMessage();
    }

    @Test
    void weightsLieAsInPyTorch() {
        Convolution twoGroups = Convolution.DEFAULT.groups(2);
        assertEquals(Map.of("weight", Shape.of(6, 2, 3), "bias", Shape.of(6)),
            Conv1d.of(4, 6, 3, twoGroups).parameterShapes());
        assertEquals(Map.of("weight", Shape.of(6, 4, 3, 3), "bias", Shape.of(6)), Conv2d.of(4, 6, 3).parameterShapes());
        assertEquals(Map.of("weight", Shape.of(6, 4, 1, 2, 3)),
            Conv3d.withoutBias(4, 6, Shape.of(1, 2, 3), Convolution.DEFAULT).parameterShapes());
        assertEquals(Map.of("weight", Shape.of(4, 3, 5), "bias", Shape.of(6)),
            ConvTranspose1d.of(4, 6, 5, twoGroups).parameterShapes());
        assertEquals(Map.of("weight", Shape.of(4, 6, 2, 2), "bias", Shape.of(6)),
            ConvTranspose2d.of(4, 6, 2).parameterShapes());
        assertEquals(Map.of("weight", Shape.of(4, 6, 2, 2, 2), "bias", Shape.of(6)),
            ConvTranspose3d.of(4, 6, 2).parameterShapes());
    }

    /** Uniform in [-1, 1) / sqrt(fanIn): all inside, and some close to the ends. */
    @Test
    void parametersStartAsInPyTorch() {
        Conv2d convolution = Conv2d.of(6, 50, 3, Convolution.DEFAULT.groups(2)).initialize(device, 1, DType.F64);
        ConvTranspose2d transposed = ConvTranspose2d.of(50, 8, 3).initialize(device, 1, DType.F64);
        Map<Module<?>, Integer> fanIns = Map.of(convolution, 27, transposed, 72);
        for (Map.Entry<Module<?>, Integer> fanIn : fanIns.entrySet()) {
            double[] weights = fanIn.getKey().namedParameters().get("weight").tensor().toDoubleArray();
            double bound = 1 / Math.sqrt(fanIn.getValue());
            double largest = Arrays.stream(weights).map(Math::abs).max().orElseThrow();
            assertTrue(largest <= bound && largest > 0.98 * bound, largest + " of " + bound);
        }
    }

    @Test
    void layersHaveTheShapesOfPyTorchs() {
        Tensor images = device.arange(DType.F64, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8);
        Tensor volumes = device.arange(DType.F64, 2 * 4 * 4 * 4).reshape(1, 2, 4, 4, 4);
        Tensor sounds = device.arange(DType.F64, 2 * 3 * 10).reshape(2, 3, 10);
        Convolution halving = Convolution.DEFAULT.stride(2).padding(1);
        assertEquals(Shape.of(2, 5, 4, 4), forward(Conv2d.of(3, 5, 3, halving), images));
        assertEquals(Shape.of(2, 5, 16, 16), forward(ConvTranspose2d.of(3, 5, 4, halving), images));
        assertEquals(Shape.of(2, 5, 8), forward(Conv1d.of(3, 5, 3), sounds));
        assertEquals(Shape.of(2, 5, 12), forward(ConvTranspose1d.of(3, 5, 3), sounds));
        assertEquals(Shape.of(1, 5, 2, 2, 2), forward(Conv3d.of(2, 5, 3), volumes));
        assertEquals(Shape.of(1, 5, 6, 6, 6), forward(ConvTranspose3d.of(2, 5, 3), volumes));
        assertEquals(Shape.of(2, 3, 4, 4), MaxPool2d.of(2).forward(images).shape());
        assertEquals(Shape.of(2, 3, 4, 4), new AvgPool2d(Pooling.of(3).stride(2).padding(1)).forward(images).shape());
        assertEquals(Shape.of(2, 3, 5), MaxPool1d.of(2).forward(sounds).shape());
        assertEquals(Shape.of(2, 3, 5), AvgPool1d.of(2).forward(sounds).shape());
        assertEquals(Shape.of(1, 2, 2, 2, 2), MaxPool3d.of(2).forward(volumes).shape());
        assertEquals(Shape.of(1, 2, 2, 2, 2), AvgPool3d.of(2).forward(volumes).shape());
        assertEquals(Shape.of(2, 3, 1, 1), AdaptiveAvgPool2d.of(1).forward(images).shape());
        assertEquals(Shape.of(2, 3, 2, 3), AdaptiveMaxPool2d.of(2, 3).forward(images).shape());
        assertEquals(Shape.of(2, 3, 4), AdaptiveAvgPool1d.of(4).forward(sounds).shape());
        assertEquals(Shape.of(2, 3, 4), AdaptiveMaxPool1d.of(4).forward(sounds).shape());
        assertEquals(Shape.of(1, 2, 3, 3, 3), AdaptiveAvgPool3d.of(3).forward(volumes).shape());
        assertEquals(Shape.of(1, 2, 3, 1, 2), AdaptiveMaxPool3d.of(3, 1, 2).forward(volumes).shape());
        assertEquals(Shape.of(2, 3, 16, 24), Upsample.of(Interpolation.LINEAR, 2, 3).forward(images).shape());
        assertEquals(Shape.of(2, 192), Flatten.of().forward(images).shape());
        assertEquals(Shape.of(2, 3, 64), new Flatten(-2).forward(images).shape());
        assertEquals(Shape.of(0, 12), Flatten.of().forward(device.zeros(DType.F32, 0, 3, 4)).shape());
    }

    private <M extends Module<M> & Layer> Shape forward(M layer, Tensor x) {
        return layer.initialize(device, 3, DType.F64).forward(x).shape();
    }

    @Test
    void aLayerIsItsOperation() {
        Conv2d layer = Conv2d.of(3, 4, 2, Convolution.DEFAULT.stride(2)).initialize(device, 7, DType.F64);
        Tensor x = device.arange(DType.F64, 48).reshape(1, 3, 4, 4);
        Tensor weight = layer.namedParameters().get("weight").tensor();
        Tensor bias = layer.namedParameters().get("bias").tensor();
        assertArrayEquals(x.conv2d(weight, bias, Convolution.DEFAULT.stride(2)).toDoubleArray(),
            layer.forward(x).toDoubleArray());
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertEquals(
            "Conv2d(3, 4, (2, 2)): channels and kernel must be positive, and the 2 groups divide both channels",
            refusal(() -> Conv2d.of(3, 4, 2, Convolution.DEFAULT.groups(2))));
        assertEquals("Conv3d: the kernel must have 3 extents but is (2, 2)",
            refusal(() -> Conv3d.of(3, 4, Shape.of(2, 2), Convolution.DEFAULT)));
        assertEquals("ConvTranspose1d(0, 4, (2)): channels and kernel must be positive, and the 1 groups divide both "
            + "channels", refusal(() -> ConvTranspose1d.of(0, 4, 2)));
        Upsample twice = Upsample.of(Interpolation.NEAREST, 2, 2);
        String message = refusal(() -> twice.forward(device.zeros(DType.F32, 1, 2, 3)));
        assertTrue(message.endsWith("needs a factor, or one for each axis after the second of x (1, 2, 3)"), message);
        assertEquals(List.of(2L, 2L), twice.scale());
    }
}
