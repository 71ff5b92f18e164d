package org.adjoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.Test;

/**
 * Whatever is passed to a public method of a tensor, or to one that makes tensors, is taken or refused: with an error
 * of the right kind, in the words of that method.
 */
class HostileArgumentsTest {
    private static final int CALLS = 30;
    private static final long SEED = 4;
    /** Results of up to so many elements are computed. */
    private static final long SMALL = 10_000;
    private static final Set<String> SILENT = Set.of("close", "print", "toString", "equals", "hashCode");
    /** What goes wrong when values are computed is said by the operations that are computed. */
    private static final Set<String> COMPUTING = Set.of("realize", "gather", "scatter", "scatterAdd");

    @Test
    void everyMethodRefusesInItsOwnWords() {
        TreeMap<String, String> failures = new TreeMap<>();
        try (Device device = Device.open("reference"); Device other = Device.open("reference")) {
            HostileArguments arguments = new HostileArguments(device, other, finished(device), SEED);
            for (Method method : methods(Tensor.class)) {
                call(method, null, device, other, arguments, failures);
            }
            for (Method method : methods(Device.class)) {
                if (method.getReturnType() == Tensor.class) {
                    call(method, device, device, other, arguments, failures);
                }
            }
            for (Method method : methods(RandomState.class)) {
                call(method, device.random(), device, other, arguments, failures);
            }
        }
        assertEquals("", String.join("\n", failures.values()));
    }

    private static List<Method> methods(Class<?> type) {
        return Arrays.stream(type.getMethods()).filter(method -> !method.isSynthetic()
            && method.getDeclaringClass().getName().startsWith("org.adjoint.") && !SILENT.contains(method.getName()))
            .sorted(Comparator.comparing(Method::toString)).toList();
    }

    /** A tensor of a traced function that is over. */
    private static Tensor finished(Device device) {
        Tensor[] traced = new Tensor[1];
        Step step = Step.compileAll(device, _ -> {
            traced[0] = device.ones(DType.F32, 2, 3).neg();
            throw new UnsupportedOperationException("the tensor is all that is wanted");
        });
        assertThrows(UnsupportedOperationException.class, () -> step.runAll(List.of()));
        return traced[0];
    }

    private static void call(Method method, Object owner, Device device, Device other, HostileArguments arguments,
        TreeMap<String, String> failures) {
        for (int i = 0; i < CALLS; i++) {
            try (Scope scope = device.scope(); Scope elsewhere = other.scope()) {
                Object target = owner == null ? arguments.tensor() : owner;
                Object[] values = Arrays.stream(method.getGenericParameterTypes()).map(arguments::of).toArray();
                String call = text(target) + "." + method.getName() + text(values);
                try {
                    Object result = method.invoke(Modifier.isStatic(method.getModifiers()) ? null : target, values);
                    if (!arguments.wasHuge()) {
                        compute(result);
                    }
                } catch (InvocationTargetException e) {
                    judge(method, values, call, e.getCause(), failures);
                } catch (RuntimeException e) {
                    judge(method, values, call, e, failures);
                } catch (IllegalAccessException e) {
                    throw new AssertionError(e);
                }
            }
        }
    }

    private static void compute(Object result) {
        List<?> results = result instanceof List<?> list ? list : List.of(result == null ? "" : result);
        for (Object each : results.subList(0, Math.min(3, results.size()))) {
            if (each instanceof Tensor tensor && tensor.shape().elements() <= SMALL) {
                tensor.realize();
            }
        }
    }

    private static void judge(Method method, Object[] values, String call, Throwable thrown,
        TreeMap<String, String> failures) {
        String message = String.valueOf(thrown.getMessage());
        Set<String> names = new TreeSet<>(COMPUTING);
        names.addAll(List.of(method.getName(), method.getName().replaceFirst("Keep$", "")));
        boolean named = names.stream().anyMatch(name ->
            message.startsWith(name + ":") || message.startsWith(name + " "));
        boolean right = thrown.getClass() == IllegalArgumentException.class && named
            || thrown.getClass() == IllegalStateException.class && named
            || thrown.getClass() == IndexOutOfBoundsException.class && named
            || thrown instanceof OutOfDeviceMemoryException
            || thrown instanceof NullPointerException && hasNull(values);
        if (!right) {
            failures.putIfAbsent(method + " " + thrown.getClass(), call + " threw " + thrown);
        }
    }

    private static boolean hasNull(Object value) {
        return value == null
            || value instanceof Object[] all && Arrays.stream(all).anyMatch(HostileArgumentsTest::hasNull)
            || value instanceof List<?> list && hasNull(list.toArray());
    }

    private static String text(Object value) {
        return switch (value) {
            case null -> "null";
            case Tensor tensor -> tensor.type().toString();
            case List<?> list -> text(list.toArray());
            case Object[] all -> Arrays.stream(all).map(HostileArgumentsTest::text).toList().toString();
            case int[] all -> Arrays.toString(all);
            case long[] all -> Arrays.toString(all);
            default -> value.toString();
        };
    }
}
