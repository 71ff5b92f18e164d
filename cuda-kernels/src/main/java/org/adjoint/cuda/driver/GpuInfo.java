package org.adjoint.cuda.driver;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_CLOCK_RATE;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import jcuda.driver.CUdevice;
import jcuda.driver.CUresult;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.cuda.launch.Card;

/**
 * What a card says about itself.
 *
 * @param ordinal its number in the driver's order
 * @param name such as {@code NVIDIA H100 80GB HBM3}
 * @param architecture compute capability times 10, such as 90
 * @param memoryBytes of global memory, used or not
 * @param driverVersion the newest CUDA that the driver serves, such as {@code 12.8}
 * @param sharedBytes shared memory that a block can ask for
 * @param pciId such as {@code 0000:3b:00.0}
 * @param uuid in hexadecimal digits
 * @param clockKilohertz of the multiprocessors; 0 where the driver does not tell
 * @param memoryClockKilohertz likewise
 * @param busBits width of the memory's bus
 */
public record GpuInfo(int ordinal, String name, int architecture, long memoryBytes, String driverVersion,
    int multiprocessors, int sharedBytes, String pciId, String uuid, int clockKilohertz, int memoryClockKilohertz,
    int busBits) {
    private static final int OLDEST_ARCHITECTURE = 75;

    /** One line: the card and its memory. */
    public String description() {
        return "cuda:" + ordinal + ", " + name + ", " + DeviceMemory.text(memoryBytes) + ", compute capability "
            + computeCapability();
    }

    /** Such as {@code 9.0}. */
    public String computeCapability() {
        return architecture / 10 + "." + architecture % 10;
    }

    /** Why the card can't be used, or null. */
    public String problem() {
        return architecture >= OLDEST_ARCHITECTURE ? null : "cuda:" + ordinal + " (" + name
            + ") has compute capability " + computeCapability() + ", but 7.5 (Turing, 2018) is the oldest that serves";
    }

    /** What kernels may depend on. */
    public Card card() {
        return new Card(architecture, sharedBytes);
    }

    /** See {@link Gpu#list}. */
    static List<GpuInfo> list(Libraries libraries) {
        Objects.requireNonNull(libraries);
        int status = JCudaDriver.cuInit(0);
        if (status != CUresult.CUDA_SUCCESS) {
            throw new DeviceUnavailableException("cuda: the driver can't be started: "
                + CUresult.stringFor(status) + remedy(status));
        }
        int[] count = new int[1];
        Statuses.checkDriver(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount", "to list the cards");
        if (count[0] == 0) {
            throw new DeviceUnavailableException("cuda: the driver shows no card"
                + remedy(CUresult.CUDA_ERROR_NO_DEVICE));
        }
        List<GpuInfo> cards = new ArrayList<>();
        for (int ordinal = 0; ordinal < count[0]; ordinal++) {
            cards.add(of(device(ordinal), ordinal));
        }
        return List.copyOf(cards);
    }

    private static String remedy(int status) {
        return switch (status) {
            case CUresult.CUDA_ERROR_NO_DEVICE ->
                "; look at nvidia-smi -L, at CUDA_VISIBLE_DEVICES, and in a container at --gpus";
            case CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH ->
                "; the kernel's module and libcuda are of different versions: restart the machine";
            case CUresult.CUDA_ERROR_SYSTEM_NOT_READY ->
                "; on systems with NVSwitch nvidia-fabricmanager must be running";
            default -> "; see whether nvidia-smi works";
        };
    }

    static CUdevice device(int ordinal) {
        CUdevice device = new CUdevice();
        Statuses.checkDriver(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet", "of card " + ordinal);
        return device;
    }

    private static GpuInfo of(CUdevice device, int ordinal) {
        byte[] name = new byte[256];
        Statuses.checkDriver(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName",
            "of card " + ordinal);
        int length = 0;
        while (length < name.length && name[length] != 0) {
            length++;
        }
        long[] bytes = new long[1];
        Statuses.checkDriver(JCudaDriver.cuDeviceTotalMem(bytes, device), "cuDeviceTotalMem", "of card " + ordinal);
        int[] version = new int[1];
        Statuses.checkDriver(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion", "to list the cards");
        String[] pciId = new String[1];
        Statuses.checkDriver(JCudaDriver.cuDeviceGetPCIBusId(pciId, 32, device), "cuDeviceGetPCIBusId",
            "of card " + ordinal);
        CUuuid uuid = new CUuuid();
        Statuses.checkDriver(JCudaDriver.cuDeviceGetUuid(uuid, device), "cuDeviceGetUuid", "of card " + ordinal);
        return new GpuInfo(ordinal, new String(name, 0, length, StandardCharsets.UTF_8),
            10 * attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
            bytes[0], version[0] / 1000 + "." + version[0] % 1000 / 10,
            attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
            attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN), pciId[0],
            HexFormat.of().formatHex(uuid.bytes), attribute(device, CU_DEVICE_ATTRIBUTE_CLOCK_RATE),
            attribute(device, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE),
            attribute(device, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH));
    }

    private static int attribute(CUdevice device, int attribute) {
        int[] value = new int[1];
        Statuses.checkDriver(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute",
            "of attribute " + attribute);
        return value[0];
    }
}
