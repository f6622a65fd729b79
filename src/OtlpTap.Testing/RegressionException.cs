namespace OtlpTap.Testing;

/// <summary>A case does not pass.</summary>
public sealed class RegressionException : Exception
{
    /// <summary>Without a reason.</summary>
    public RegressionException()
    {
    }

    /// <summary>With what was found.</summary>
    public RegressionException(string message)
        : base(message)
    {
    }

    /// <summary>With what was found, and what led to it.</summary>
    public RegressionException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
