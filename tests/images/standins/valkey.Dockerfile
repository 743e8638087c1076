FROM standin:databases
CMD ["valkey-server"]
# The official image's start turns the protected mode off, as Docker publishes no port by default.
ENTRYPOINT ["sh", "-c", "exec \"$@\" --protected-mode no", "sh"]
