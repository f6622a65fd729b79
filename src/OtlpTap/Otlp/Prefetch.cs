using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace OtlpTap.Otlp;

/// <summary>Tells the processor what will be read, where a table is larger than its caches and several places of it are known beforehand.</summary>
internal static class Prefetch
{
    /// <summary>The line of cache in which an item begins. Without effect on processors other than x86.</summary>
    public static unsafe void Line<T>(T[] array, int index)
    {
        if (Sse.IsSupported && (uint)index < (uint)array.Length)
        {
            // The collector may move the array meanwhile: then this was in vain, and no more.
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(array), index)));
        }
    }
}
