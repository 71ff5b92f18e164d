package org.adjoint.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.graph.Convolution;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.Test;

/** Convolutions and their gradients, which are convolutions of any kind, against the reference. */
class ConvolutionKernelTest {
    private static final int CASES = 36;
    private static final int DEPTHWISE_CASES = 24;

    /** A convolution of random geometry, with the cotangent of its result. */
    private record Case(Shape x, Shape kernel, Convolution settings, long seed) {
        static Case draw(Random random) {
            int axes = 1 + random.nextInt(3);
            long groups = 1 + random.nextInt(2) * random.nextInt(3);
            long[] x = new long[axes + 2];
            long[] kernel = new long[axes + 2];
            long[][] settings = new long[3][axes];
            x[0] = 1 + random.nextInt(3);
            x[1] = groups * (1 + random.nextInt(random.nextInt(4) == 0 ? 70 : 4));
            kernel[0] = groups * (1 + random.nextInt(random.nextInt(4) == 0 ? 40 : 5));
            kernel[1] = x[1] / groups;
            for (int axis = 0; axis < axes; axis++) {
                kernel[2 + axis] = 1 + random.nextInt(random.nextInt(6) == 0 ? 9 : 3);
                settings[0][axis] = Math.max(1, random.nextInt(5) - 1);
                settings[1][axis] = random.nextInt(3);
                settings[2][axis] = 1 + random.nextInt(2);
                long span = (kernel[2 + axis] - 1) * settings[2][axis] + 1;
                x[2 + axis] = Math.max(1, span - 2 * settings[1][axis])
                    + random.nextInt(axes == 1 ? 600 : axes == 2 ? 30 : 6);
            }
            return new Case(Shape.of(x), Shape.of(kernel), Convolution.DEFAULT.stride(settings[0]).padding(settings[1])
                .dilation(settings[2]).groups(groups), random.nextLong());
        }

        /** Groups of a channel or two, and so many that a task has several. */
        static Case drawDepthwise(Random random) {
            int axes = 1 + random.nextInt(3);
            long groups = 16 + random.nextInt(20);
            long[] x = new long[axes + 2];
            long[] kernel = new long[axes + 2];
            long[][] settings = new long[3][axes];
            x[0] = 1 + random.nextInt(3);
            kernel[1] = 1 + random.nextInt(4) / 3;
            x[1] = groups * kernel[1];
            kernel[0] = groups * (1 + random.nextInt(3) / 2);
            for (int axis = 0; axis < axes; axis++) {
                kernel[2 + axis] = 1 + random.nextInt(axes == 1 ? 7 : 3);
                settings[0][axis] = 1 + random.nextInt(4) / 2;
                settings[1][axis] = random.nextInt(3);
                settings[2][axis] = 1 + random.nextInt(3) / 2;
                long span = (kernel[2 + axis] - 1) * settings[2][axis] + 1;
                x[2 + axis] = span + random.nextInt(axes == 1 ? 90 : axes == 2 ? 36 : 6);
            }
            return new Case(Shape.of(x), Shape.of(kernel), Convolution.DEFAULT.stride(settings[0]).padding(settings[1])
                .dilation(settings[2]).groups(groups), random.nextLong());
        }

        private static Tensor tensor(Device device, Shape shape, long seed, DType dtype) {
            double[] values = new Random(seed).doubles(shape.elements(), -1, 1).toArray();
            return device.tensor(values, shape).to(DType.F32).to(dtype);
        }

        private Tensor apply(Tensor x, Tensor kernel) {
            return switch (this.x.rank() - 2) {
                case 1 -> x.conv1d(kernel, null, settings);
                case 2 -> x.conv2d(kernel, null, settings);
                default -> x.conv3d(kernel, null, settings);
            };
        }

        /** The result and its gradients. */
        List<Tensor> run(Device device, DType dtype) {
            Tensor image = tensor(device, x, seed, dtype);
            Tensor weights = tensor(device, kernel, seed + 1, dtype);
            Tensor y = apply(image, weights);
            List<Tensor> all = new ArrayList<>(List.of(y));
            all.addAll(y.pullback(tensor(device, y.shape(), seed + 2, dtype), List.of(image, weights)));
            return all;
        }
    }

    private static List<Case> cases() {
        Random random = new Random(11);
        List<Case> cases = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            cases.add(Case.draw(random));
        }
        for (int i = 0; i < DEPTHWISE_CASES; i++) {
            cases.add(Case.drawDepthwise(random));
        }
        return cases;
    }

    @Test
    void agreesWithTheReference() {
        try (Device device = Device.open("cpu"); Device reference = Device.open("reference")) {
            for (Case sample : cases()) {
                List<Tensor> expected = sample.run(reference, DType.F64);
                for (DType dtype : List.of(DType.F64, DType.F32)) {
                    List<Tensor> actual = sample.run(device, dtype);
                    for (int i = 0; i < expected.size(); i++) {
                        assertEquals(expected.get(i).shape(), actual.get(i).shape(), sample.toString());
                        double[] truth = expected.get(i).toDoubleArray();
                        // Sums of n products of numbers below 1.
                        double terms = (double) expected.getFirst().shape().elements()
                            * sample.kernel.without(0).elements() / Math.max(1, truth.length);
                        assertArrayEquals(truth, actual.get(i).toDoubleArray(),
                            dtype.epsilon() * 4 * Math.sqrt(Math.max(1, terms)) * 4, sample + " result " + i);
                    }
                }
            }
        }
    }

    /** The same bits whatever the number of threads and the width of vectors. */
    @Test
    void bitsDependOnTheShapeAlone() {
        Device[] devices = new Device[] {Device.open("cpu", Map.of("threads", "1", "vectorBits", "0")),
            Device.open("cpu", Map.of("threads", "3", "vectorBits", "128")),
            Device.open("cpu", Map.of("threads", "2", "vectorBits", "256")),
            Device.open("cpu", Map.of("threads", "1"))};
        try {
            for (Case sample : cases().subList(CASES / 2, CASES + DEPTHWISE_CASES / 2)) {
                List<Tensor> first = sample.run(devices[0], DType.F32);
                for (int other = 1; other < devices.length; other++) {
                    List<Tensor> second = sample.run(devices[other], DType.F32);
                    for (int i = 0; i < first.size(); i++) {
                        assertArrayEquals(first.get(i).toFloatArray(), second.get(i).toFloatArray(),
                            sample + " result " + i + " on device " + other);
                    }
                }
            }
        } finally {
            for (Device device : devices) {
                device.close();
            }
        }
    }
}
