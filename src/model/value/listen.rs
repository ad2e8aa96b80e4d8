//! What `mcpctl.yaml` says of a gateway's place: the address that it listens on, or its name in AWS.

use crate::model::deployment::Listen;

/// Whether a text is an IP address with a port.
///
/// # Errors
/// The accepted form.
pub fn check_listen(text: &str) -> Result<(), String> {
    if Listen::parse(text).is_some() {
        return Ok(());
    }
    Err(format!("`{text}` is not an IP address with a port from 1 to 65535, like `0.0.0.0:8443`"))
}

/// Whether a text is the ARN of a gateway of Amazon Bedrock AgentCore.
///
/// # Errors
/// The accepted form.
pub fn check_arn(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split(':').collect();
    let named =
        |part: &str| (1..=128).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if let ["arn", partition, "bedrock-agentcore", region, account, resource] = parts.as_slice()
        && partition.starts_with("aws")
        && named(partition)
        && named(region)
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && resource.strip_prefix("gateway/").is_some_and(named)
    {
        return Ok(());
    }
    Err(format!(
        "`{text}` is not the ARN of a gateway; write `arn:aws:bedrock-agentcore:REGION:ACCOUNT:gateway/ID` with an account of \
         12 digits"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_a_gateway() {
        let arn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/main-abc";
        assert_eq!(check_arn(arn), Ok(()));
        for bad in
            ["", "gateway/main", &arn.replace("12:g", "1:g"), &arn.replace("gateway/", "runtime/"), &format!("{arn}/x")]
        {
            assert!(check_arn(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn listeners_have_a_port() {
        for (text, fits) in
            [("0.0.0.0:8443", true), ("[::]:1", true), ("0.0.0.0:0", false), ("a:1", false), ("::1", false)]
        {
            assert_eq!(check_listen(text).is_ok(), fits, "{text}");
        }
    }
}
