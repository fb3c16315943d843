import streamlit as st
st.title('log')
