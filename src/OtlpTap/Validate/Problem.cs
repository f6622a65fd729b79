using OtlpTap.Otlp;

namespace OtlpTap.Validate;

/// <summary>What is wrong, and where.</summary>
/// <param name="Offset">Of the field that is wrong; of the item where a field is missing.</param>
/// <param name="First">Of <see cref="InvalidReason.Buckets"/> the number of counts.</param>
/// <param name="Second">Of <see cref="InvalidReason.Buckets"/> the number of bounds.</param>
internal readonly record struct Problem(InvalidReason Reason, int Offset, int First = 0, int Second = 0);
